/** The compiled kernels of assembly/, base64; written by scripts/build-modules.mjs. */
export declare const simd: string;
/** The same, compiled for relaxed SIMD. */
export declare const relaxedSimd: string;
/** For a memory that is shared between threads. */
export declare const sharedSimd: string;
/** For such a memory, compiled for relaxed SIMD. */
export declare const sharedRelaxedSimd: string;
