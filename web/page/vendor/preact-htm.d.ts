// The part of Preact and htm that the page uses, typed.
export type Child = VNode | string | number | bigint | boolean | null | undefined | Child[];
export interface VNode { type: unknown; props: Record<string, unknown>; key: unknown }
export type Ref<T> = { current: T };
export type Updater<S> = (value: S | ((before: S) => S)) => void;

export function html(strings: TemplateStringsArray, ...values: unknown[]): any;
export function h(type: unknown, props?: object | null, ...children: unknown[]): VNode;
export function render(node: unknown, parent: Element): void;
export class Component<P = {}, S = {}> {
  constructor(props?: P);
  props: P & { children?: unknown };
  state: S;
  setState(state: Partial<S>): void;
  componentDidCatch?(error: unknown): void;
  render(props: P & { children?: unknown }, state: S): unknown;
}
export function createContext<T>(value: T): { Provider: unknown; Consumer: unknown };
export function useState<S>(initial: S | (() => S)): [S, Updater<S>];
export function useReducer<S, A>(reducer: (state: S, action: A) => S, initial: S): [S, (action: A) => void];
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useRef<T>(initial: T): Ref<T>;
export function useRef<T>(initial: T | null): Ref<T | null>;
export function useMemo<T>(make: () => T, inputs?: readonly unknown[]): T;
export function useCallback<T>(callback: T, inputs?: readonly unknown[]): T;
export function useContext<T>(context: unknown): T;
export function useErrorBoundary(callback?: (error: unknown) => void): [unknown, () => void];
