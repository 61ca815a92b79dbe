import { brokenFile } from './errors.ts';

/** Shape of a CIFAR-10 image. */
export const CIFAR10_SHAPE: readonly [number, number, number] = [32, 32, 3];
/** Bytes of one record of the binary release: a label, then the red, green and blue planes. */
export const CIFAR10_RECORD_BYTES: number = 1 + 32 * 32 * 3;

/** Names of the classes of CIFAR-10, in the order of the labels. */
export const CIFAR10_CLASSES: readonly string[] = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/**
 * The labels in a file of CIFAR-10's binary release.
 *
 * @param bytes whole records.
 * @param file name for errors.
 * @throws RobustError `RJS_DATA_FORMAT` for a cut record or a label above 9.
 */
export function parseCifar10Labels(bytes: Uint8Array, file: string): Int32Array {
  const count = Math.floor(bytes.length / CIFAR10_RECORD_BYTES);
  if (count * CIFAR10_RECORD_BYTES !== bytes.length) {
    throw brokenFile(file, count * CIFAR10_RECORD_BYTES, `records of ${CIFAR10_RECORD_BYTES} bytes`, `${bytes.length - count * CIFAR10_RECORD_BYTES} bytes`);
  }
  return Int32Array.from({ length: count }, (_, row) => {
    const label = bytes[row * CIFAR10_RECORD_BYTES]!;
    if (label >= CIFAR10_CLASSES.length) throw brokenFile(file, row * CIFAR10_RECORD_BYTES, 'a label of 0 … 9', String(label));
    return label;
  });
}
