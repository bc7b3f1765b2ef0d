
/** How to train, in the words of the command's model files. Ranges and defaults: docs/options.md. An optimizer that is described here counts. */
export interface MoreSettings {
  train?: {
    /** As `epochs` of the options, which counts where both say it; so do the next four. */
    epochs?: number;
    batch_size?: number;
    seed?: number;
    shuffle?: boolean;
    max_steps?: number;
    /** Batches that make one step: their gradients are added up. */
    accumulate?: number;
    /** Cuts the norm of all gradients together. */
    clip_norm?: number;
    /** Cuts each gradient. */
    clip_value?: number;
    /** Keeps an average of the weights in which each step replaces 1 − this, such as 0.999. */
    ema?: number;
    /** Parameters that stay as they are; `*` stands for any text. */
    freeze?: string[];
    /** Parameters with a rate or a weight decay of their own; `*` stands for any text. */
    groups?: { parameters: string; lr_factor?: number; weight_decay?: number }[];
    no_decay_on_norms_and_biases?: boolean;
    /** Without effect in a browser, where one device trains. */
    sync_batch_norm?: boolean;
    /** The part of the pictures to train on by which the best epoch is chosen. */
    validation?: number;
    best?: "accuracy" | "loss";
    /** Ends after so many epochs without a better one. */
    patience?: number;
    /** Checkpoints that are kept. */
    keep?: number;
    checkpoint_steps?: number;
  };
  optimizer?: {
    type?: "sgd" | "adam" | "adamw" | "rmsprop" | "adagrad" | "lion";
    lr?: number;
    weight_decay?: number;
    momentum?: number;
    nesterov?: boolean;
    beta1?: number;
    beta2?: number;
    eps?: number;
    alpha?: number;
    centered?: boolean;
    lr_decay?: number;
    initial_accumulator_value?: number;
  };
  /** How the learning rate changes. Lengths are epochs, or steps such as "500 steps". */
  schedule?: {
    type?: "constant" | "step" | "multistep" | "exponential" | "cosine" | "onecycle" | "polynomial" | "plateau";
    warmup?: number | string;
    warmup_start?: number;
    every?: number | string;
    milestones?: (number | string)[];
    gamma?: number;
    minimum?: number;
    power?: number;
    rise?: number;
    div_factor?: number;
    final_div_factor?: number;
    factor?: number;
    patience?: number;
    threshold?: number;
    cooldown?: number;
  };
  loss?: {
    type?: "cross_entropy" | "mse" | "l1" | "huber" | "bce_with_logits";
    label_smoothing?: number;
    class_weights?: "balanced" | number[];
    delta?: number;
  };
  /** How the pictures to train on are changed at random; `true` stands for the usual value. */
  augment?: {
    brightness?: number | true;
    contrast?: number | true;
    saturation?: number | true;
    grey?: number | true;
    resized_crop?: [number, number] | true;
    ratio?: [number, number] | true;
    rotate?: number | true;
    scale?: [number, number] | true;
    shear?: number | true;
    translate?: number | true;
    crop?: number | true;
    flip?: number | true;
    vertical_flip?: number | true;
    cutout?: number | true;
    mixup?: number | true;
    cutmix?: number | true;
  };
}
