import * as z from 'zod/mini';
import type { DeviceStore } from '../../domain/telemetry/device-store.port.ts';
import { unbindDevice } from '../../domain/telemetry/unbind-device.ts';
import { problem } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';
import { pathId } from '../runtime/router.ts';

export type ManageDevicesDeps = HttpDeps & { readonly devices: Pick<DeviceStore, 'find' | 'unbind'> };

const UnboundView = z.object({ distinctId: z.string(), owner: z.null() });

export const routes = [
  route({
    method: 'POST',
    path: '/v1/devices/{distinctId+}/unbind',
    summary: 'Take a device away from its owner; the next authenticated event binds it again',
    access: { scope: 'keys:manage' },
    request: z.object({
      params: z.object({ distinctId: pathId('send any other in the body of POST /v1/devices/unbind') }),
    }),
    unknownParam: 'unknown_device',
    answers: { 200: { description: 'The device has no owner, now or before', schema: UnboundView } },
    problems: ['unknown_device'],
    async handle({ params: { distinctId } }, deps: ManageDevicesDeps) {
      const unbound = await unbindDevice(deps, distinctId);
      if (!unbound.ok) return problem('unknown_device', 'distinct_id: no such device has sent anything');
      return { status: 200, body: { distinctId, owner: null } };
    },
  }),
];
