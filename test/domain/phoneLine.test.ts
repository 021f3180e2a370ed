import { expect, test } from '@jest/globals';
import { lineOf } from '../../domain/phoneLine';

test.each([
  ['+14155552671', 'unknown', true, false, 'US', '1', '+1 415-555-2671'],
  ['+41791234567', 'cellphone', true, false, 'CH', '41', '+41 79-123-45-67'],
  ['+41446681800', 'landline', false, false, 'CH', '41', '+41 44-668-18-00'],
  ['+445600123456', 'voip', true, false, 'GB', '44', '+44 56-0012-3456'],
  ['+41900123456', 'unknown', true, true, 'CH', '41', '+41 900-123-456'],
  ['+19005551234', 'unknown', true, true, 'US', '1', '+1 900-555-1234'],
])('%s is %s', (e164, type, takesTexts, isCostly, country, countryCode, shown) => {
  expect(lineOf(e164)).toEqual({ type, takesTexts, isCostly, country, countryCode, shown });
});
