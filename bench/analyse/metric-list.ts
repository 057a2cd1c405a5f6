// Metrics as they are gathered: one place that fills in what a figure leaves open and rounds it.
import type { Figure, Metric } from '../contract/analysis.ts'
import { roundFigure } from './numbers.ts'

/** Where and when a metric holds; all DCs and the measured phase unless said otherwise. */
interface Where {
  readonly dc?: string
  readonly peer?: string
  readonly phase?: string
}

type Given = { readonly [K in keyof Figure]?: number | null }

export class MetricList {
  readonly metrics: Metric[] = []

  /** Adds one metric; what a figure does not have is n/a. */
  add(metric: string, unit: string, figure: Given, where: Where = {}): void {
    this.metrics.push({
      dc: where.dc ?? '',
      peer: where.peer ?? '',
      phase: where.phase ?? 'measure',
      metric,
      unit,
      value: roundFigure(figure.value ?? null),
      low: roundFigure(figure.low ?? null),
      high: roundFigure(figure.high ?? null),
      n: figure.n ?? null,
    })
  }
}
