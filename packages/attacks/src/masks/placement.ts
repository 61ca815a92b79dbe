import type { RandomStream } from '@robustjs/core';

/** Where a round patch lies on an image: centre in pixels, side of its square in pixels, angle in radians. */
export interface Placement {
  readonly centre: readonly [down: number, across: number];
  readonly side: number;
  readonly angle: number;
}

/** How placements are drawn. */
export interface PlacementOptions {
  /** Largest rotation either way, in degrees. Default 22.5. */
  readonly rotation?: number;
  /** Smallest and largest side as a share of the image's shorter one, above 0 and at most 1. Default [0.1, 1]. */
  readonly scales?: readonly [least: number, most: number];
}

/** A random placement inside an image. */
export function drawPlacement(random: RandomStream, [height, width]: readonly [number, number], options: PlacementOptions = {}): Placement {
  const { rotation = 22.5, scales = [0.1, 1] } = options;
  const [turn, size, down, across] = random.uniform(4) as unknown as [number, number, number, number];
  const side = (scales[0] + size * (scales[1] - scales[0])) * Math.min(height, width);
  return {
    centre: [side / 2 + down * (height - side), side / 2 + across * (width - side)],
    side,
    angle: ((2 * turn - 1) * rotation * Math.PI) / 180,
  };
}

/** What one pixel of an image takes of a patch: a share, and four of the patch's pixels with weights that add up to 1. */
export interface Sample {
  /** The pixel's place in the image, row by row. */
  readonly pixel: number;
  /** Share of the patch in the pixel, in (0, 1]; the rest is the image's. */
  readonly share: number;
  readonly from: readonly number[];
  readonly weights: readonly number[];
}

/**
 * The pixels of an image that a patch of `size * size` pixels reaches. The patch is round: with u and v from -1 to 1 its share is
 * `1 - (u^2 + v^2)^40`, and none outside (as in ART). Between pixels it is bilinear.
 */
export function samplesOf({ centre, side, angle }: Placement, [height, width]: readonly [number, number], size: number): Sample[] {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const samples: Sample[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const [down, across] = [(2 * (i + 0.5 - centre[0])) / side, (2 * (j + 0.5 - centre[1])) / side];
      const [u, v] = [cosine * down - sine * across, sine * down + cosine * across];
      const share = 1 - (u * u + v * v) ** 40;
      if (share > 0) samples.push({ pixel: i * width + j, share, ...corners(u, v, size) });
    }
  }
  return samples;
}

function corners(u: number, v: number, size: number): Pick<Sample, 'from' | 'weights'> {
  const along = (t: number): [number, number, number] => {
    const at = Math.min(size - 1, Math.max(0, ((t + 1) / 2) * size - 0.5));
    const first = Math.floor(at);
    return [first, Math.min(first + 1, size - 1), at - first];
  };
  const [[top, bottom, down], [left, right, across]] = [along(u), along(v)];
  return {
    from: [top * size + left, top * size + right, bottom * size + left, bottom * size + right],
    weights: [(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across],
  };
}

/** Puts a patch into one frame of an image, in place. */
export function paste(frame: Float32Array, patch: Float32Array, channels: number, samples: readonly Sample[]): void {
  for (const { pixel, share, from, weights } of samples) {
    for (let c = 0; c < channels; c++) {
      const value = from.reduce((total, place, k) => total + weights[k]! * patch[place * channels + c]!, 0);
      const place = pixel * channels + c;
      frame[place] = (1 - share) * frame[place]! + share * value;
    }
  }
}

/** Adds to a patch's gradient what the gradient of a frame says of it: the transpose of {@link paste}. */
export function pullBack(gradient: Float32Array, patchGradient: Float32Array, channels: number, samples: readonly Sample[]): void {
  for (const { pixel, share, from, weights } of samples) {
    for (let c = 0; c < channels; c++) {
      const value = share * gradient[pixel * channels + c]!;
      from.forEach((place, k) => (patchGradient[place * channels + c]! += weights[k]! * value));
    }
  }
}
