import type { Attack } from '@robustjs/core';
import type { MiFgsmOptions } from '../mi-fgsm.ts';
import { momentumAttack, type TransferFgsmOptions } from './transfer-fgsm.ts';

/**
 * Nesterov iterative FGSM: MI-FGSM with gradients where the momentum leads.
 *
 * Source: Lin et al., ICLR 2020, section 3.1.
 *
 * @throws RobustError as {@link transferFgsm}.
 */
export const niFgsm = (options: MiFgsmOptions = {}): Attack => momentumAttack('ni-fgsm', [], options, { lookAhead: true });

/** Options of {@link diFgsm}. */
export type DiFgsmOptions = MiFgsmOptions & Pick<TransferFgsmOptions, 'diversity' | 'resize'>;

/**
 * Diverse inputs: MI-FGSM (M-DI2-FGSM in the paper; `decay: 0` is DI2-FGSM) with gradients through random resizing. Default
 * probability 0.5.
 *
 * Source: Xie et al., CVPR 2019, section 3.
 *
 * @throws RobustError as {@link transferFgsm}.
 */
export const diFgsm = (options: DiFgsmOptions = {}): Attack => momentumAttack('di-fgsm', ['diversity', 'resize'], options, { diversity: 0.5 });

/** Options of {@link tiFgsm}. */
export type TiFgsmOptions = MiFgsmOptions & Pick<TransferFgsmOptions, 'kernel'>;

/**
 * Translation invariance: MI-FGSM with smoothed gradients. Default kernel 15. Some libraries resize at random too; here that
 * is {@link transferFgsm} with both.
 *
 * Source: Dong et al., CVPR 2019, section 3.
 *
 * @throws RobustError as {@link transferFgsm}.
 */
export const tiFgsm = (options: TiFgsmOptions = {}): Attack => momentumAttack('ti-fgsm', ['kernel'], options, { kernel: 15 });

/** Options of {@link siFgsm}. */
export type SiFgsmOptions = MiFgsmOptions & Pick<TransferFgsmOptions, 'copies'>;

/**
 * Scale invariance: MI-FGSM with the mean gradient over copies at halved scale. Default 5 copies.
 *
 * Source: Lin et al., ICLR 2020, section 3.2.
 *
 * @throws RobustError as {@link transferFgsm}.
 */
export const siFgsm = (options: SiFgsmOptions = {}): Attack => momentumAttack('si-fgsm', ['copies'], options, { copies: 5 });

/** Options of {@link vmiFgsm}. */
export type VmiFgsmOptions = MiFgsmOptions & Pick<TransferFgsmOptions, 'neighbours' | 'reach'>;

/**
 * Variance tuning: MI-FGSM whose gradients are corrected by what the neighbourhood of the last iterate said. Default 20
 * neighbours.
 *
 * Source: Wang and He, CVPR 2021, algorithm 1.
 *
 * @throws RobustError as {@link transferFgsm}.
 */
export const vmiFgsm = (options: VmiFgsmOptions = {}): Attack => momentumAttack('vmi-fgsm', ['neighbours', 'reach'], options, { neighbours: 20 });
