import { current } from '../invocation.ts';

/** Replaces `functions/runtime/once.ts`: each machine of a function keeps its own values. */
export function once<Value>(make: () => Value): () => Value {
  const values = new WeakMap<object, { readonly value: Value }>();
  return () => {
    const { instance } = current();
    const kept = values.get(instance) ?? { value: make() };
    values.set(instance, kept);
    return kept.value;
  };
}
