import type { Bounds } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import type { Entry } from './entry.ts';
import { evaluateSubject } from './evaluate-dataset.ts';
import { wrong } from './errors.ts';
import { datasetOfExamples, type Images, type Labels, readExamples } from './examples-input.ts';
import { type EvaluationOptions, settingsOf } from './options.ts';
import { probeClasses } from './probe.ts';
import { type Evaluable, type Subject, subjectOf } from './subject.ts';
import { Tensor } from '@tensorflow/tfjs-core';

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends EvaluationOptions {
  /** Smallest and largest value of an input, for a model that does not say. Default [0, 1]. */
  readonly bounds?: Bounds | undefined;
  /** Shape of one image, for a function that does not say; channels last. Default: that of the tensor of images. */
  readonly inputShape?: readonly number[] | undefined;
  /** One id an image; random draws are keyed by it. Default 0, 1, 2, … */
  readonly ids?: ArrayLike<number> | undefined;
  /** How the record calls the data. Default `custom`, `test`. */
  readonly dataset?: { readonly id: string; readonly split: string } | undefined;
}

/**
 * Measures the clean and robust accuracy of a model on images, and checks that the figures can be trusted. The result is the
 * same record that the command line writes. A runtime must have been started.
 *
 * ```ts
 * await startWasm();
 * const model = await loadLayersModel('file://model.json');
 * const entry = await evaluate(model, images, labels, { norm: 'Linf', eps: '8/255' });
 * ```
 *
 * @param model a model of ours, a `tf.LayersModel` or `tf.GraphModel`, or a function from images to logits.
 * @param images `[N, ...inputShape]`, in the model's bounds. The caller keeps them.
 * @param labels one class index an image. The caller keeps them.
 * @throws RobustError `RJS_EVALUATE_MODEL`, `RJS_EVALUATE_IMAGES`, `RJS_EVALUATE_RANGE`, `RJS_EVALUATE_LABELS`,
 * `RJS_EVALUATE_IDS`, `RJS_EVALUATE_OUTPUT`, `RJS_EVALUATE_OPTION`, all before anything is computed; `RJS_ABORTED`.
 */
export async function evaluate(model: Evaluable, images: Images, labels: Labels, options: EvaluateOptions): Promise<Entry> {
  const { subject, dataset } = await prepared(model, images, labels, options);
  return (await evaluateSubject(subject, dataset, options)).entry;
}

/** What {@link datasetOfImages} needs to know of images and of a model that does not say. */
export type ImagesOptions = Pick<EvaluateOptions, 'bounds' | 'inputShape' | 'ids' | 'dataset' | 'route'>;

/**
 * Images and labels as the data set that a model is evaluated on, checked as {@link evaluate} does.
 *
 * @throws RobustError as {@link evaluate}, before anything is computed.
 */
export const datasetOfImages = async (model: Evaluable, images: Images, labels: Labels, options: ImagesOptions): Promise<Dataset> =>
  (await prepared(model, images, labels, { ...options, eps: 0 })).dataset;

async function prepared(model: Evaluable, images: Images, labels: Labels, options: EvaluateOptions): Promise<{ subject: Subject; dataset: Dataset }> {
  const { bounds, inputShape, ids, dataset: { id, split } = { id: 'custom', split: 'test' } } = options;
  if (bounds !== undefined && !(bounds[0] < bounds[1])) throw wrong('OPTION', 'bounds as [smallest, largest]', `[${bounds.join(', ')}]`, 'write [0, 1] or [0, 255]');
  const subject = subjectOf(model, { inputShape, bounds }, images instanceof Tensor ? images.shape.slice(1) : undefined);
  const examples = await readExamples(images, labels, { inputShape: subject.model.inputShape, bounds: subject.model.bounds, ids });
  const { route } = settingsOf(options, examples.labels.length, subject.model);
  const size = examples.images.length / examples.labels.length;
  const classes = await probeClasses(subject.model, route, examples.images.subarray(0, size));
  return { subject, dataset: datasetOfExamples(examples, { id, split, inputShape: subject.model.inputShape, classes }) };
}
