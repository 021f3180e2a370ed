/** The names under which the test servers are handed to the tests. */
export const TEST_DATABASE_URL = 'COUNTERSIGN_TEST_DATABASE_URL';
export const TEST_TEMPLATE = 'COUNTERSIGN_TEST_TEMPLATE';
