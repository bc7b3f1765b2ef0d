// A program that uses all of the package, to be compiled as strictly as TypeScript can.
import init, { Dataset, Model, Predictor, Trainer, devices } from "convoke-web";
import type { Arrays, DataOptions, Evaluation, ModelObject, MoreSettings, OptimizerOptions, TrainOptions, TrainingEvent } from "convoke-web";

const size: DataOptions = { size: [28, 28], channels: 1, seed: 1, testFraction: 0.1, onProgress: (done, total) => console.log(done / total) };
const arrays: Arrays = { pixels: new Uint8ClampedArray(8), labels: Uint8Array.of(0, 1), channels: 1, height: 2, width: 2, classes: ["a", "b"], test: { pixels: new Uint8Array(4), labels: [1] } };
const description: ModelObject & MoreSettings = { input: [1, 2, 2], layers: [{ type: "flatten" }, { type: "linear", out_features: "classes" }], train: { epochs: 2 } };
const optimizer: OptimizerOptions = { type: "adamw", lr: 0.002, weightDecay: 0.01 };
const more: MoreSettings = { schedule: { type: "cosine", warmup: "10 steps" }, augment: { flip: true }, train: { ema: 0.999 } };

export async function everything(file: File, image: ImageData, bytes: Uint8Array): Promise<string> {
  await init();
  const files = await Dataset.fromFiles([{ path: "a/1.png", file }], size);
  const images = Dataset.fromImages([{ image, label: "a" }]);
  const data = Dataset.fromArrays(arrays);
  console.log(files.classes.length, images.testCount, data.size[0]);
  const options: TrainOptions = { epochs: 2, batchSize: 8, optimizer, more, device: "auto", init: bytes, maxSteps: 9, seed: 3, shuffle: false };
  const trainer: Trainer = await Trainer.create(new Model(description), data, options);
  for await (const event of trainer.train()) {
    if (event.type === "step") console.log(event.loss);
    else if (event.type === "epoch") console.log(event.testAccuracy);
    else console.log(event.done / event.total);
  }
  const finished: boolean = await trainer.run((event: TrainingEvent) => console.log(event.type));
  const loss: number = await trainer.step();
  await trainer.stop();
  const evaluation: Evaluation = await trainer.evaluate();
  const resumed = await Trainer.resume(await trainer.checkpoint(), data, "cpu");
  const predictor: Predictor = Predictor.load(await resumed.save());
  const [best] = await predictor.predict(image);
  const [same] = await (await trainer.predictor()).predict(bytes);
  const [device] = await devices();
  const problem = Model.fromToml("").summary(8).problem?.message;
  // @ts-expect-error an option that there is not
  await Trainer.create(Model.preset("mlp"), data, { optimizer: { learningRate: 1 } });
  return `${finished} ${loss} ${evaluation.accuracy} ${best?.name} ${same?.probability} ${device?.kind} ${problem} ${trainer.device}`;
}
