// What a pipeline counts, as it stands in memory and as it is told over the control port.

/** All counts are since the pipeline's process started. */
export interface PipelineCounters {
  /** Rows in the source's stream. */
  rowsReceived: number
  /** Rows that changed the receiving DC. */
  rowsApplied: number
  /** Rows that were not newer than what the receiving DC had. */
  rowsOlder: number
  /** Rows left out because a newer one of the same key was applied in the same transaction. */
  rowsSuperseded: number
  /** Rows sent again after a reconnect that had been committed before. */
  rowsSkipped: number
  /** Source transactions received. */
  transactions: number
  /** Transactions in which they were applied. */
  batches: number
  reconnects: number
  bytesReceived: number
}

export function zeroCounters(): PipelineCounters {
  return {
    rowsReceived: 0,
    rowsApplied: 0,
    rowsOlder: 0,
    rowsSuperseded: 0,
    rowsSkipped: 0,
    transactions: 0,
    batches: 0,
    reconnects: 0,
    bytesReceived: 0,
  }
}
