export type GatewayPath = {
  /** The path that the route is chosen by. */
  readonly routed: string;
  /** The path that the function receives. */
  readonly rawPath: string;
};

/**
 * Converts a path as the gateway does. The gateway decodes it, cuts it at a `?` that this produced, and chooses the
 * route. For the function it decodes a second time and merges slashes. Returns undefined if the gateway answers 400,
 * because a `%` encodes nothing. The captures in `test/fixtures/gateway-paths.json` are the source.
 */
export function gatewayPath(sent: string): GatewayPath | undefined {
  const [routed] = decoded(sent)?.split('?') ?? [];
  const rawPath = routed === undefined ? undefined : handedOver(routed);
  return routed === undefined || rawPath === undefined ? undefined : { routed, rawPath };
}

/** A path, or a parameter of it, in the form that the function receives. */
export const handedOver = (routed: string): string | undefined => decoded(routed)?.replaceAll(/\/{2,}/g, '/');

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
