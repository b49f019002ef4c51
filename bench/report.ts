import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import type { Cost, Measurements, Ratio } from './measurements.ts';

export type Environment = {
  readonly node: string;
  readonly platform: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly engine: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly full: boolean;
};

export type Report = Measurements & { readonly environment: Environment };

export function environmentOf(run: Pick<Environment, 'startedAt' | 'seconds' | 'full'>): Environment {
  const processors = cpus();
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpus: processors.length,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    engine: 'dynoxide',
    ...run,
  };
}

export const joined = (parts: readonly Measurements[]): Measurements => ({
  costs: parts.flatMap(({ costs }) => costs),
  ratios: parts.flatMap(({ ratios }) => ratios),
});

const WORD = new Map<boolean | null, string>([
  [true, 'yes'],
  [false, 'NO'],
  [null, ''],
]);
const figure = (value: number | null): string => (value === null ? '' : value.toLocaleString('en'));

/** Formats all rows as one table: costs with their budgets, ratios with their targets. */
export function tableOf({ costs, ratios }: Measurements): string {
  const table = new Table({
    head: ['', 'measured', 'unit', 'budget', 'floor', 'within'],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  const rowOfCost = ({ name, unit, measured, budget, floor, within }: Cost) => [
    name,
    figure(measured),
    unit,
    figure(budget),
    figure(floor),
    WORD.get(within) ?? '',
  ];
  const rowOfRatio = ({ name, measured, target, within }: Ratio) => [
    name,
    figure(measured),
    'ratio',
    figure(target),
    '',
    WORD.get(within) ?? '',
  ];
  table.push(...costs.map(rowOfCost), ...ratios.map(rowOfRatio));
  return table.toString();
}
