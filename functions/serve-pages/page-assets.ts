import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { AssetPaths } from '../../pages/document.tsx';
import type { Reply } from '../runtime/problems.ts';

/** What the bundle holds beside its code: scripts, styles and images, each also compressed when it was built. */
export type PageAssets = {
  readonly paths: AssetPaths;
  /** A file in an encoding that the caller accepts; undefined if there is no such file. */
  readonly find: (name: string, acceptEncoding: string | undefined) => Reply | undefined;
};

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  webp: 'image/webp',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
};
/** The best first, by the ending of its file. */
const ENCODINGS = [
  { name: 'br', ending: '.br' },
  { name: 'gzip', ending: '.gz' },
] as const;

const Manifest = z.object({ script: z.string(), style: z.string(), icon: z.string(), logo: z.optional(z.string()) });

/** An image that is opened by itself runs nothing and loads nothing. */
const OF_IMAGES = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/** A name holds the hash of what is in the file: it may be kept forever. */
const FOR_GOOD = 'public, max-age=31536000, immutable';

export function readPageAssets(directory: string): PageAssets {
  const paths = Manifest.parse(JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')));
  const files = new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))] as const));
  return {
    paths,
    find(name, acceptEncoding = '') {
      const type = TYPES[name.split('.').at(-1) ?? ''];
      const plain = files.get(name);
      if (plain === undefined || type === undefined) return undefined;
      const isAccepted = (encoding: string) => new RegExp(`\\b${encoding}\\b`, 'iu').test(acceptEncoding);
      const best = ENCODINGS.find((encoding) => isAccepted(encoding.name) && files.has(`${name}${encoding.ending}`));
      const data = files.get(`${name}${best?.ending ?? ''}`) ?? plain;
      const policy = type.startsWith('image/') ? { 'content-security-policy': OF_IMAGES } : {};
      const encoding = best === undefined ? {} : { 'content-encoding': best.name };
      return {
        status: 200,
        headers: { 'cache-control': FOR_GOOD, vary: 'accept-encoding', ...policy, ...encoding },
        content: { type, data },
      };
    },
  };
}
