import { engine, type GradConfig, registerGradient, type Tensor } from '@tensorflow/tfjs-core';

/**
 * Gradients of the kernels in native/objectives.ts. They have none of their own: @robustjs/attacks composes the objectives of ordinary
 * operations where second derivatives are recorded.
 */
export function registerObjectiveGradients(): void {
  registerGradient(byLogits('LogitMargin', ['logits', 'labels']));
  registerGradient(byLogits('ClassLead', ['logits', 'labels', 'targets']));
}

const byLogits = (kernelName: string, names: string[]): GradConfig => ({
  kernelName,
  inputsToSave: names,
  gradFunc: (dy, saved, attrs) => {
    const given = Object.fromEntries(names.map((name, i) => [name, saved[i]!]));
    return { logits: () => engine().runKernel<Tensor>(`${kernelName}Grad`, { dy: dy as Tensor, ...given }, attrs) };
  },
});
