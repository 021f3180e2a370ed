import type { TestProgram } from '../support/program';

/** Everything that a stream of an approval says, until it ends. */
export async function readStream(
  { url, tenant }: Pick<TestProgram, 'url' | 'tenant'>,
  approvalId: string,
): Promise<{ status: number; seen: string[] }> {
  const response = await fetch(`${url}/v1/approvals/${approvalId}/stream`, {
    headers: { authorization: `Bearer ${tenant.apiKey}` },
  });
  const text = await response.text();
  const seen = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => (JSON.parse(data!) as { status: string }).status);
  return { status: response.status, seen };
}
