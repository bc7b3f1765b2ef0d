//! Pipelines compiled ahead, several at once.
//!
//! wgpu has no asynchronous creation of pipelines. A browser has: what it compiles for one description it keeps, and gives out
//! again where the same one comes by way of wgpu. Natively each is compiled where it is created.

#[cfg(target_family = "wasm")]
pub(crate) use browser::Ahead;
#[cfg(not(target_family = "wasm"))]
pub(crate) use native::Ahead;

#[cfg(not(target_family = "wasm"))]
mod native {
    use convoke_core::kernels::Shader;

    use crate::device::Device;

    /// Nothing is compiled ahead.
    #[derive(Debug)]
    pub(crate) struct Ahead;

    impl Ahead {
        pub fn begin<'a>(_: &Device, _: impl Iterator<Item = &'a Shader>) -> Self {
            Self
        }

        pub fn add(&mut self, _: &Device, _: &Shader) {}

        pub async fn wait(&mut self, _: &Shader) -> Self {
            Self
        }

        /// Whether all are compiled.
        pub fn ready(&mut self) -> bool {
            true
        }
    }
}

#[cfg(target_family = "wasm")]
mod browser {
    use std::collections::HashMap;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use convoke_core::kernels::{Bound, Shader};
    use js_sys::futures::JsFuture;
    use js_sys::{Array, Boolean, Function, JsString, Number, Object, Promise, Reflect};

    use crate::device::Device;

    /// Pipelines under way, by their text, and those that are compiled. The browser keeps these as long as this does.
    #[derive(Debug)]
    pub(crate) struct Ahead(HashMap<String, JsFuture<Object>>, Vec<Object>);

    impl Ahead {
        /// Begins to compile shaders of different texts, in their order.
        pub fn begin<'a>(device: &Device, shaders: impl Iterator<Item = &'a Shader>) -> Self {
            let mut ahead = Self(HashMap::new(), Vec::new());
            shaders.for_each(|shader| ahead.add(device, shader));
            ahead
        }

        /// Begins to compile one more. What the browser refuses here it refuses again where wgpu asks for it, and is told of there.
        pub fn add(&mut self, device: &Device, shader: &Shader) {
            let Some(device) = device.device.as_webgpu() else { return };
            if let Some(pipeline) = begin(device, shader) {
                self.0.insert(shader.source.clone(), JsFuture::from(pipeline));
            }
        }

        /// Waits until a shader is compiled. The browser keeps it as long as what is returned.
        pub async fn wait(&mut self, shader: &Shader) -> Option<Object> {
            let pipeline = self.0.remove(&shader.source)?;
            pipeline.await.ok()
        }

        /// Whether all are compiled.
        pub fn ready(&mut self) -> bool {
            let mut context = Context::from_waker(Waker::noop());
            self.0.retain(|_, pipeline| match Pin::new(pipeline).poll(&mut context) {
                Poll::Pending => true,
                Poll::Ready(compiled) => {
                    self.1.extend(compiled);
                    false
                }
            });
            self.0.is_empty()
        }
    }

    /// Asks for a pipeline by the very description that wgpu makes of it.
    fn begin(device: &Object, shader: &Shader) -> Option<Promise<Object>> {
        let module =
            call(device, "createShaderModule", &object(&[("code", &JsString::from(shader.source.as_str()))])?)?;
        let layout = object(&[("entries", entries(shader)?.as_ref())])?;
        let layout = call(device, "createBindGroupLayout", &layout)?;
        let layout = object(&[("bindGroupLayouts", &Array::of1(&layout))])?;
        let layout = call(device, "createPipelineLayout", &layout)?;
        let stage = object(&[("module", &module), ("entryPoint", &JsString::from("main"))])?;
        let pipeline = object(&[("layout", &layout), ("compute", &stage)])?;
        Some(Promise::resolve(&call(device, "createComputePipelineAsync", &pipeline)?))
    }

    fn entries(shader: &Shader) -> Option<Array> {
        let entries = Array::new();
        entries.push(entry(0, "uniform", true)?.as_ref());
        for (binding, bound) in (1..).zip(&shader.bindings) {
            let kind = if matches!(bound, Bound::Read(_)) { "read-only-storage" } else { "storage" };
            entries.push(entry(binding, kind, false)?.as_ref());
        }
        Some(entries)
    }

    fn entry(binding: u32, kind: &str, has_dynamic_offset: bool) -> Option<Object> {
        let dynamic = Boolean::from(has_dynamic_offset);
        let buffer = object(&[("type", &JsString::from(kind)), ("hasDynamicOffset", &dynamic)])?;
        let visibility = Number::from(wgpu::ShaderStages::COMPUTE.bits());
        object(&[("binding", &Number::from(binding)), ("visibility", &visibility), ("buffer", &buffer)])
    }

    fn object(fields: &[(&str, &Object)]) -> Option<Object> {
        let object = Object::new();
        for (name, value) in fields {
            Reflect::set(&object, &(*name).into(), value).ok()?;
        }
        Some(object)
    }

    fn call(on: &Object, method: &str, argument: &Object) -> Option<Object> {
        let method = Function::from(Reflect::get(on, &method.into()).ok()?);
        method.call1(on, argument).ok().map(Object::from)
    }
}
