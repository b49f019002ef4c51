import type { Credential } from '../identity/credential.ts';
import { isSamePublisher, type Extension, type PublishedVersion, type Publisher } from './extension.ts';

/** Who asks for a change of an extension: its account or collective, or an admin. */
export type Maintainer = Publisher | 'admin';

/** The account that a key publishes as; undefined for a server's or an admin's key. */
export function publisherOf(credential: Credential): Publisher | undefined {
  switch (credential.kind) {
    case 'personal':
      return { kind: 'personal', name: credential.account };
    case 'collective':
      return { kind: 'collective', name: credential.slug };
    case 'service':
    case 'admin':
      return undefined;
  }
}

/** The maintainer that a key acts as; undefined if it may not maintain extensions. */
export const maintainerOf = (credential: Credential): Maintainer | undefined =>
  credential.kind === 'admin' ? 'admin' : publisherOf(credential);

export const maintains = (maintainer: Maintainer, { owner }: Pick<Extension, 'owner'>): boolean =>
  maintainer === 'admin' || isSamePublisher(maintainer, owner);

export const isPublishedBy = (maintainer: Maintainer, { publisher }: Pick<PublishedVersion, 'publisher'>): boolean =>
  maintainer === 'admin' || isSamePublisher(maintainer, publisher);
