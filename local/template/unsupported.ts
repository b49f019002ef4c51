/** Something in the template that the local stack cannot do. It stops boot: run silently, it would be a lie. */
export class UnsupportedTemplateError extends Error {
  override readonly name = 'UnsupportedTemplateError';
}
