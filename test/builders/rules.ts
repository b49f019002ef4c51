import { BOARD_RULES } from '../../domain/leaderboards/board.ts';
import { rulesOf } from '../../domain/rules/current-rules.ts';
import { activityEventsOf } from '../../domain/telemetry/event-kind.ts';

/** Of the tests' own community, which is in `test/fixtures/community`: the sample's first version. */
export const rulesVersion1 = rulesOf('1')!;
export const activityOfVersion1 = activityEventsOf(rulesVersion1);
export const boardOf = (board: string) => BOARD_RULES.find(({ name }) => name === board)!;
