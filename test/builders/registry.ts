import type { RegistryCounts } from '../../domain/registry/user-registry.port.ts';

/** What the registry holds of a user: nothing, unless said. */
export const aRegistryCount = (publishes = 0, pulls = 0): RegistryCounts => ({ publishes, pulls });
