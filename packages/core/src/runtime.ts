/** A started TF.js backend and what it can do. Backend packages make these; nothing else imports a backend. */
export interface Runtime {
  /** `wasm`, `cuda` or `webgpu`. */
  readonly id: string;
  /** Version of the backend. */
  readonly version: string;
  /** What it runs on, in words: processor or graphics card. */
  readonly device: string;
  /** Kernel variant in use, such as `simd`; numbers are reproducible within one variant. */
  readonly variant: string;
  /** What is missing and how to get it; empty where all is well. */
  readonly missing: readonly { readonly what: string; readonly fix: string }[];
}
