import { expect, test } from '@jest/globals';
import { DomainError, httpStatus, sentence } from '../../domain/errors';

test('a refusal has a status and a sentence', () => {
  expect(httpStatus('approval_expired')).toBe(410);
  expect(sentence('approval_expired')).toBe('The approval has expired.');
  expect(new DomainError('no_device').message).toBe(sentence('no_device'));
});
