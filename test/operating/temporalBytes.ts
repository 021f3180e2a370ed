import type { Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

const { GetWorkflowExecutionHistoryResponse, DescribeWorkflowExecutionResponse } = temporal.api.workflowservice.v1;
const { ListSchedulesResponse, DescribeScheduleResponse, ListWorkflowExecutionsResponse } =
  temporal.api.workflowservice.v1;

/**
 * Everything that Temporal keeps of the workflows that a query finds, and of the schedules, as it came over the wire:
 * histories with payloads, failures and stack traces, memos, search attributes, summaries. Nothing is decoded.
 */
export async function readTemporal(
  { workflowService }: Connection,
  namespace: string,
  query: string,
): Promise<{ name: string; bytes: Uint8Array }[]> {
  const found: { name: string; bytes: Uint8Array }[] = [];
  const keep = (name: string, bytes: Uint8Array) => void found.push({ name, bytes });

  const listed = await workflowService.listWorkflowExecutions({ namespace, query, pageSize: 1_000 });
  keep('the list of workflows', ListWorkflowExecutionsResponse.encode(listed).finish());
  for (const { execution } of listed.executions) {
    const name = `workflow ${execution!.workflowId}`;
    const history = await workflowService.getWorkflowExecutionHistory({ namespace, execution: execution! });
    keep(`the history of ${name}`, GetWorkflowExecutionHistoryResponse.encode(history).finish());
    const description = await workflowService.describeWorkflowExecution({ namespace, execution: execution! });
    keep(`the description of ${name}`, DescribeWorkflowExecutionResponse.encode(description).finish());
  }
  const schedules = await workflowService.listSchedules({ namespace });
  keep('the list of schedules', ListSchedulesResponse.encode(schedules).finish());
  for (const { scheduleId } of schedules.schedules) {
    const description = await workflowService.describeSchedule({ namespace, scheduleId: scheduleId! });
    keep(`schedule ${scheduleId}`, DescribeScheduleResponse.encode(description).finish());
  }
  return found;
}
