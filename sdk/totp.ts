import { TOTP } from 'otpauth';
import type { DeviceTotp } from './device';

/** The digits at a time of this device's clock, in ms, and how long they are still the newest (RFC 6238). */
export function readTotp(totp: DeviceTotp, nowMs = Date.now()): { code: string; secondsLeft: number } {
  const { secret, algorithm, digits, periodSeconds: period, aheadMs } = totp;
  const timestamp = nowMs + aheadMs;
  const code = new TOTP({ secret, algorithm, digits, period }).generate({ timestamp });
  return { code, secondsLeft: Math.ceil(period - ((timestamp / 1_000) % period)) };
}
