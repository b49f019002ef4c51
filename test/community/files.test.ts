import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { checkCommunity, sentenceOfFault } from '../../domain/rules/check-community.ts';
import { CommunitySettings } from '../../domain/rules/community.ts';
import { ScoringRules } from '../../domain/rules/scoring-rules.ts';
import { siteOf } from '../../functions/serve-pages/site.ts';
import { filesOf, readCommunity, sha256OfText } from '../../functions/adapters/disk/community-files.ts';
import { aCommunity, type Json } from '../builders/community.ts';
import { temporaryDirectory } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const COMMUNITY = join(ROOT, 'community');

describe('the community of this repository', () => {
  it('is as its files should be', () => {
    expect(readCommunity(COMMUNITY)).toMatchObject({ ok: true });
  });

  it('has the checksum of the version in force (laurel rules check --keep writes it)', () => {
    const files = filesOf(COMMUNITY);
    const { rules } = JSON.parse(files.get('community.json')!);
    expect(JSON.parse(files.get('rules/checksums.json')!)).toHaveProperty([rules]);
  });

  it.each([
    ['community.json', CommunitySettings],
    ['rules.json', ScoringRules],
  ] as const)('has the schema %s of the code that reads it (UPDATE_DOCS=1 writes it)', async (name, schema) => {
    const file = join(COMMUNITY, 'schemas', name);
    const json = JSON.stringify(z.toJSONSchema(schema, { io: 'input' }));
    const text = await format(json, { parser: 'json', printWidth: 120 });
    if (process.env.UPDATE_DOCS === '1') {
      mkdirSync(join(COMMUNITY, 'schemas'), { recursive: true });
      writeFileSync(file, text);
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

/** The sentences about a community whose files were changed so. */
function faultsAfter(change: (files: { settings: Json; rules: Json; texts: Map<string, string> }) => void): string[] {
  const files = aCommunity();
  change(files);
  const texts = new Map([
    ['community.json', JSON.stringify(files.settings)],
    ['rules/1.json', JSON.stringify(files.rules)],
    ...files.texts,
  ]);
  const checked = checkCommunity(texts, sha256OfText);
  return checked.ok ? [] : checked.error.map(sentenceOfFault);
}

describe('files of a community', () => {
  it('are taken as they are written', () => {
    expect(faultsAfter(() => {})).toEqual([]);
  });

  it.each<[what: string, change: Parameters<typeof faultsAfter>[0], sentence: string | RegExp]>([
    ['an unknown property', ({ rules }) => (rules.bonus = 5), 'rules/1.json: bonus: unknown field'],
    [
      'an unknown property within',
      ({ settings }) => (settings.boards[0].colour = 'red'),
      'community.json: boards.0.colour: unknown field',
    ],
    [
      'a cap below 0',
      ({ rules }) => (rules.events[0].cap = -1),
      'rules/1.json: events.0.cap: expected a whole number from 0 to 1000000000',
    ],
    [
      'a command in two groups',
      ({ rules }) => rules.activity.groups[1].commands.push('model'),
      'rules/1.json: activity.groups.1.commands.3: expected each command once, and model is in activity.groups.0.commands.0, too',
    ],
    [
      'tiers out of order',
      ({ rules }) => (rules.tiers[2].from = 30_000),
      'rules/1.json: tiers.3.from: expected more than 30000, the threshold of Sapling before it',
    ],
    [
      'a lowest tier above 0',
      ({ rules }) => rules.tiers.shift(),
      'rules/1.json: tiers.0.from: expected 0: everybody is in the lowest tier at least',
    ],
    [
      'two kinds with one key',
      ({ rules }) => (rules.events[1].key = rules.events[0].key),
      'rules/1.json: events.1.key: expected a key of its own, and community:lab-issues is that of events.0.key',
    ],
    [
      'an event that the code knows',
      ({ rules }) => (rules.events[0].event = 'award'),
      'rules/1.json: events.0.event: expected an event of its own, and award is that of Laurel itself',
    ],
    [
      'an event without an identity',
      ({ rules }) => delete rules.events[0].id,
      'rules/1.json: events.0.id: missing, expected the property that identifies it, or "per": "day"',
    ],
    [
      'a window of 91 days',
      ({ settings }) => (settings.boards[1].window = { days: 91 }),
      /^community\.json: boards\.1\.window.*expected .*1 to 90/,
    ],
    [
      'a hook of an event that the rules do not score',
      ({ settings }) => (settings.hooks = { github: { pull_request_merged: 'pull_request_merged' } }),
      'community.json: hooks.github.pull_request_merged: expected an event that version 1 of the rules scores ' +
        '(issue_created, daily_sign_in, feed_post_created), found pull_request_merged',
    ],
    [
      'a hook of an event that the code knows',
      ({ settings }) => (settings.hooks = { discourse: { post_created: 'award' } }),
      /^community\.json: hooks\.discourse\.post_created: expected an event that .*, found award$/,
    ],
    [
      'an unknown thing of GitHub',
      ({ settings }) => (settings.hooks = { github: { stars: 'issue_created' } }),
      'community.json: hooks.github.stars: unknown field',
    ],
    [
      'sign-ins as an event with an id',
      ({ settings }) => (settings.hooks = { discourse: { signed_in: 'issue_created' } }),
      'community.json: hooks.discourse.signed_in: expected an event with "per": "day": a sign-in has no id, and issue_created needs one',
    ],
    [
      'reviews as lines of the ledger',
      ({ settings }) => (settings.hooks = { github: { review_submitted: 'feed_post_created' } }),
      /^community\.json: hooks\.github\.review_submitted: expected an event that is counted/,
    ],
    [
      'a version that does not exist',
      ({ settings }) => (settings.rules = '7'),
      'community.json: rules: expected a version that there is a file of, and there is no rules/7.json',
    ],
    [
      'an edited old version',
      ({ texts }) => texts.set('rules/checksums.json', JSON.stringify({ 1: '0'.repeat(64) })),
      /^rules\/1\.json: expected the content of rules\/checksums\.json: this version was in force and is never edited/,
    ],
    [
      'an old version that is gone',
      ({ texts }) => texts.set('rules/checksums.json', JSON.stringify({ 0: '0'.repeat(64) })),
      /^rules\/0\.json: missing, expected the file/,
    ],
    [
      'a version in a file of another name',
      ({ texts, rules }) => texts.set('rules/2.json', JSON.stringify(rules)),
      'rules/2.json: version: expected the name of the file, and it is 1',
    ],
    [
      'points whose largest product is no exact whole number',
      ({ rules }) => (rules.activity.groups[0].cap = 1_000_000_000),
      /^rules\/1\.json: activity: expected caps and multipliers whose largest product is an exact whole number/,
    ],
    [
      'another identity of what is stored',
      ({ texts, rules }) => {
        const later = structuredClone(rules);
        later.version = '2';
        later.events[0].id = 'number';
        texts.set('rules/2.json', JSON.stringify(later));
      },
      'rules/2.json: events.0: expected the id issue_id of issue_created, as in version 1: stored facts are found by it',
    ],
    [
      'a board without the score of all time',
      ({ settings }) => settings.boards.shift(),
      'community.json: boards: expected the board alltime with the window "all" of everything: ranks are of it',
    ],
    [
      'a board of a category that no rules name',
      ({ settings }) => (settings.boards[1].categories = ['community', 'sports']),
      'community.json: boards.1.categories.1: expected one that the rules name: activity, award, community, content',
    ],
    [
      'a board of lists that have nothing in common',
      ({ settings }) => Object.assign(settings.boards[1], { categories: ['community'], sources: ['cli'] }),
      'community.json: boards.1: expected sources of its categories: no contribution is in both lists',
    ],
    [
      'an unknown property of the pages',
      ({ settings }) => (settings.page = { colour: '#1c6b40' }),
      'community.json: page.colour: unknown field',
    ],
    [
      'an accent that is no colour',
      ({ settings }) => (settings.page = { accent: 'green' }),
      'community.json: page.accent: expected a colour as # and 6 hexadecimal digits',
    ],
    [
      'an accent that cannot be read',
      ({ settings }) => (settings.page = { accent: '#FFCC00' }),
      'community.json: page.accent: expected a colour that can be read on light pages, which takes a contrast of 4.5: #FFCC00 has 1.3, and #856a00 is dark enough',
    ],
    [
      'a logo that is not there',
      ({ settings }) => (settings.page = { logo: 'logo.svg' }),
      'community.json: page.logo: expected a file of the folder, and there is no logo.svg',
    ],
    [
      'a logo elsewhere',
      ({ settings }) => (settings.page = { logo: '../logo.svg' }),
      'community.json: page.logo: expected the name of an svg, png, webp or jpg file in the folder of the community',
    ],
    [
      'a logo that makes the first page large',
      ({ settings, texts }) => {
        settings.page = { logo: 'logo.png' };
        texts.set('logo.png', 'x'.repeat(8_193));
      },
      'community.json: page.logo: expected a file of at most 8192 bytes, and logo.png has 8193',
    ],
    [
      'a link that runs something',
      ({ settings }) => (settings.page = { links: [{ title: 'Forum', href: 'javascript:alert(1)' }] }),
      'community.json: page.links.0.href: expected an address that begins with https://, http://, mailto: or /',
    ],
    [
      'a first board that is none',
      ({ settings }) => (settings.page = { board: 'weekly' }),
      'community.json: page.board: expected one of alltime, today, week, season',
    ],
    ['no JSON', ({ texts }) => texts.set('rules/1.json', '{'), /^rules\/1\.json: expected JSON: /],
  ])('with %s are refused in one sentence', (_what, change, sentence) => {
    expect(faultsAfter(change)).toEqual([typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)]);
  });
});

it('the pages of a community are as its files describe them', () => {
  const { settings, rules } = aCommunity();
  const links = [{ title: 'Forum', href: 'https://forum.example.org' }];
  const page = { logo: 'logo.svg', accent: '#1c6b40', links, board: 'week' };
  const checked = CommunitySettings.parse({ ...settings, page });

  expect(
    faultsAfter((files) => (files.settings = { ...settings, page }) && files.texts.set('logo.svg', '<svg/>')),
  ).toEqual([]);
  expect(siteOf(checked, rules)).toMatchObject({ links, boards: [{ name: 'week' }, { name: 'alltime' }, ...[{}, {}]] });
});

describe('laurel community new', () => {
  const Failed = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() });
  const laurel = async (...args: readonly string[]) => {
    const run = promisify(execFile)(join(ROOT, 'bin', 'laurel'), [...args]);
    return run.then(
      (written) => ({ code: 0, ...written }),
      (error: unknown) => Failed.parse(error),
    );
  };

  it('writes files that are as they should be, and never over others', async () => {
    const directory = join(temporaryDirectory(), 'weavers');
    const answers = ['--name', 'Weavers', '--event', 'loom_run', '--tiers', 'Thread 0, Fine cloth 500'];
    expect(await laurel('community', 'new', directory, ...answers, '--score', 'review_given 5')).toMatchObject({
      code: 0,
    });

    const read = readCommunity(directory);
    expect(read).toMatchObject({
      ok: true,
      value: {
        settings: { name: 'Weavers' },
        rules: [
          {
            activity: { events: [{ event: 'loom_run' }] },
            events: [{ event: 'review_given', points: 5, key: 'community:review-given', label: 'Review given' }],
            tiers: [
              { name: 'Thread', from: 0 },
              { name: 'Fine cloth', from: 500 },
            ],
          },
        ],
      },
    });
    rmSync(join(directory, 'rules', 'checksums.json'));
    expect(await laurel('rules', 'check', '--keep', '--community', directory)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Its checksum is noted'),
    });
    const edited = readFileSync(join(directory, 'rules', '1.json'), 'utf8').replace('500', '501');
    writeFileSync(join(directory, 'rules', '1.json'), edited);
    expect(readCommunity(directory)).toMatchObject({ ok: false });
    expect(await laurel('community', 'new', directory)).toMatchObject({ code: 2 });
    rmSync(directory, { recursive: true });
  });

  it('and laurel rules check tell each fault of files in a sentence', async () => {
    const directory = join(temporaryDirectory(), 'weavers');
    const refused = await laurel('community', 'new', directory, '--tiers', 'Thread 5');
    expect(refused).toMatchObject({
      code: 1,
      stderr: 'rules/1.json: tiers.0.from: expected 0: everybody is in the lowest tier at least\n',
    });
    expect(await laurel('rules', 'check', '--community', directory)).toMatchObject({
      code: 1,
      stderr: 'community.json: missing, expected the file\n',
    });
  });
});

it('a synth and a command tell each fault of files in a sentence, and nothing else', async () => {
  const directory = join(temporaryDirectory(), 'faulty');
  mkdirSync(join(directory, 'rules'), { recursive: true });
  const { settings, rules } = aCommunity();
  writeFileSync(join(directory, 'community.json'), JSON.stringify(settings));
  writeFileSync(
    join(directory, 'rules', '1.json'),
    JSON.stringify({ ...rules, bonus: 5, pulls: { points: 5, cap: -1 } }),
  );
  const expected = {
    code: 1,
    stdout: '',
    stderr:
      'rules/1.json: pulls.cap: expected a whole number from 0 to 1000000000\nrules/1.json: bonus: unknown field\n',
  };

  const env = { ...process.env, LAUREL_COMMUNITY: directory };
  const synth = promisify(execFile)(process.execPath, [join(ROOT, 'bin', 'app.ts')], { env });
  await expect(synth).rejects.toMatchObject(expected);
  const status = promisify(execFile)(join(ROOT, 'bin', 'laurel'), ['status', `--community=${directory}`]);
  await expect(status).rejects.toMatchObject(expected);
  rmSync(directory, { recursive: true });
});
