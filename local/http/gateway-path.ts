export type GatewayPath = {
  /** What the route is chosen by. */
  readonly routed: string;
  /** What the function gets. */
  readonly rawPath: string;
};

/**
 * What the gateway makes of a path: it decodes it, cuts it where that gave a `?`, and chooses the route. For the function
 * it decodes once more and merges slashes. Undefined where it answers 400: a `%` that encodes nothing. Held to the
 * captures in `test/fixtures/gateway-paths.json`.
 */
export function gatewayPath(sent: string): GatewayPath | undefined {
  const [routed] = decoded(sent)?.split('?') ?? [];
  const rawPath = routed === undefined ? undefined : handedOver(routed);
  return routed === undefined || rawPath === undefined ? undefined : { routed, rawPath };
}

/** A path, or a parameter from it, as the function gets it. */
export const handedOver = (routed: string): string | undefined => decoded(routed)?.replaceAll(/\/{2,}/g, '/');

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
