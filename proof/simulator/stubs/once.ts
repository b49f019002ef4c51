import { current } from '../invocation.ts';

/** In place of `functions/runtime/once.ts`: what a function keeps, each of its machines keeps for itself. */
export function once<Value>(make: () => Value): () => Value {
  const values = new WeakMap<object, { readonly value: Value }>();
  return () => {
    const { instance } = current();
    const kept = values.get(instance) ?? { value: make() };
    values.set(instance, kept);
    return kept.value;
  };
}
