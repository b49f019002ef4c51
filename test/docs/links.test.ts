import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const FRONT_PAGE = 'README.md';

/** Markdown without its code, in which brackets have another meaning. */
const proseOf = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gmu, '').replaceAll(/`[^`\n]*`/gu, 'code');

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/^```[\s\S]*?^```$/gmu, '').matchAll(/^#{1,6} (.+)$/gmu);
  const seen = new Map<string, number>();
  return new Set(
    [...headings].map(([, heading = '']) => {
      const slug = heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      return before === 0 ? slug : `${slug}-${before}`;
    }),
  );
}

type Pages = ReadonlyMap<string, string>;

/** Links of a page within the repository: `[target file, anchor]`. */
const linksOf = (page: string, text: string): readonly (readonly [string, string | undefined])[] =>
  [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/gu)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/u.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return [path === '' ? page : posix.join(posix.dirname(page), path), anchor] as const;
    });

const brokenLinks = (pages: Pages, exists: (path: string) => boolean): string[] =>
  [...pages].flatMap(([page, text]) =>
    linksOf(page, text)
      .filter(([target, anchor]) => {
        const found = pages.get(target);
        if (found === undefined) return !exists(target);
        return anchor !== undefined && !anchorsOf(found).has(anchor);
      })
      .map(([target, anchor]) => `${page} → ${target}${anchor === undefined ? '' : `#${anchor}`}`),
  );

/** Pages that no chain of links from the front page reaches. */
function unreachable(pages: Pages): string[] {
  const reached = new Set([FRONT_PAGE]);
  for (const page of reached) {
    for (const [target] of linksOf(page, pages.get(page) ?? '')) if (pages.has(target)) reached.add(target);
  }
  return [...pages.keys()].filter((page) => !reached.has(page));
}

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: ROOT });
const pages: Pages = new Map(
  tracked
    .toString()
    .split('\n')
    .filter((path) => path !== '' && !path.startsWith('test/') && existsSync(join(ROOT, path)))
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
);

describe('the documentation', () => {
  it('has a separate page for each purpose', () => {
    expect(pages.keys()).toContain('docs/concepts.md');
  });

  it('links only to pages, headings and files that exist', () => {
    expect(brokenLinks(pages, (path) => existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('has no page that nothing links to', () => {
    expect(unreachable(pages)).toEqual([]);
  });
});

describe('the check of links', () => {
  const page = (text: string): Pages => new Map([[FRONT_PAGE, text]]);

  it.each([
    ['a missing page', '[a](docs/none.md)'],
    ['a missing heading of another page', '[a](README.md#none)'],
    ['a missing heading of the same page', '# A\n[a](#b)'],
  ])('finds %s', (_what, text) => {
    expect(brokenLinks(page(text), () => false)).toHaveLength(1);
  });

  it('knows the second heading of the same name, and ignores links in code', () => {
    expect(brokenLinks(page('# A `b`!\n# A b\n[a](#a-b-1)\n`[x](y.md)`\n```\n[x](y.md)\n```\n'), () => false)).toEqual(
      [],
    );
  });

  it('finds a page that only links to itself', () => {
    const alone: Pages = new Map([
      [FRONT_PAGE, ''],
      ['docs/alone.md', '[me](alone.md)'],
    ]);
    expect(unreachable(alone)).toEqual(['docs/alone.md']);
  });
});
