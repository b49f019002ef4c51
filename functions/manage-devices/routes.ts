import * as z from 'zod/mini';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import { deviceIdOf, isPlaceholder, MAX_DEVICES } from '../../domain/telemetry/device-id.ts';
import { DistinctId } from '../../domain/telemetry/telemetry-event.ts';
import { unbindDevice, type UnbindDeps } from '../../domain/telemetry/unbind-device.ts';
import { problem, type Reply } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';
import { pathId } from '../runtime/router.ts';

export type ManageDevicesDeps = HttpDeps & UnbindDeps & { readonly names: AccountNames };

/** Who gets the device, and whether its last owner may bind it again. */
const what = { to: z.optional(Username), bar: z.optional(z.boolean()) };
const Choice = z.strictObject(what);
type Choice = z.infer<typeof Choice>;

const unbinding = {
  method: 'POST',
  access: { scope: 'keys:manage' },
  problems: ['unknown_device', 'too_many_devices'],
} as const;
const unknownDevice = problem('unknown_device', 'distinct_id: no such device has sent anything');
const description = 'The device has this owner, or none, now or before';

async function unbound(
  deps: ManageDevicesDeps,
  distinctId: string,
  choice: Choice,
): Promise<Reply | { owner: string | null }> {
  if (choice.to !== undefined && isPlaceholder(distinctId)) {
    const expected = 'expected the id of one device: this is a placeholder, and is never bound';
    return problem('invalid_body', `distinct_id: ${expected}`, { details: [{ field: 'distinct_id', expected }] });
  }
  const isNew = choice.to !== undefined && (await deps.names.find(choice.to)) === undefined;
  // Before an account is made for a new name, because a refused request stores nothing.
  if (isNew && (await deps.devices.find(deviceIdOf(distinctId))) === undefined) return unknownDevice;
  const to = choice.to === undefined ? undefined : (await deps.names.accountsOf([choice.to]))(choice.to);
  const result = await unbindDevice(deps, distinctId, { to, bar: choice.bar });
  if (!result.ok && result.error === 'too-many-devices') {
    return problem('too_many_devices', `to: this account has ${MAX_DEVICES} devices, and can have no more`);
  }
  if (!result.ok) return unknownDevice;
  return { owner: to === undefined ? null : (await deps.names.namesOf([to]))(to) };
}

export const routes = [
  route({
    ...unbinding,
    path: '/v1/devices/unbind',
    summary: 'Take a device from its owner, give it to another account, or bar the owner from binding it again',
    request: z.object({ body: z.strictObject({ distinct_id: DistinctId, ...what }) }),
    answers: { 200: { description, schema: z.object({ distinct_id: z.string(), owner: z.nullable(z.string()) }) } },
    async handle({ body: { distinct_id, ...choice } }, deps: ManageDevicesDeps) {
      const outcome = await unbound(deps, distinct_id, choice);
      return 'status' in outcome ? outcome : { status: 200, body: { distinct_id, ...outcome } };
    },
  }),
  route({
    ...unbinding,
    path: '/v1/devices/{distinctId+}/unbind',
    summary: 'The same for an id that a path can carry',
    request: z.object({
      params: z.object({ distinctId: pathId('send any other in the body of POST /v1/devices/unbind') }),
      body: z.optional(Choice),
    }),
    unknownParam: 'unknown_device',
    answers: { 200: { description, schema: z.object({ distinctId: z.string(), owner: z.nullable(z.string()) }) } },
    async handle({ params: { distinctId }, body = {} }, deps: ManageDevicesDeps) {
      const outcome = await unbound(deps, distinctId, body);
      return 'status' in outcome ? outcome : { status: 200, body: { distinctId, ...outcome } };
    },
  }),
];
