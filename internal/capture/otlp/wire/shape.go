// SPDX-License-Identifier: Apache-2.0

package wire

// kind is a kind of message of the protocol, in the upper bits; the lower ones are left for the number of a field, so that
// the compiler makes tables of what follows.
type kind uint32

const (
	numbers    = 5    // bits for the number of a field
	deprecated = 1000 // the one number that has more
)

// The messages of opentelemetry-proto 1.x, and what they hold.
const (
	_ kind = iota << numbers
	logsRequest
	tracesRequest
	metricsRequest
	resourceLogs
	resourceSpans
	resourceMetrics
	scopeLogs
	scopeSpans
	scopeMetrics
	logRecord
	span
	spanOnEvent
	spanLink
	spanStatus
	metric
	gauge
	sum
	histogram
	expHistogram
	summary
	numberPoint
	histogramPoint
	expPoint
	expBuckets
	summaryPoint
	quantile
	exemplar
	resource
	entityRef
	scope
	keyValue
	anyValue
	arrayValue
	keyValueList
)

// start is what a request of a signal is.
func start(s Signal) kind { return logsRequest + kind(s)<<numbers }

// isRecord reports whether a message is one of those that are counted, and that can be wrong by themselves.
func isRecord(m kind) bool {
	return m == logRecord || m == span || m >= numberPoint && m <= expPoint || m == summaryPoint
}

// holdsRecords reports whether records are in such a message, at any depth.
func holdsRecords(m kind) bool {
	return m >= logsRequest && m <= scopeMetrics || m >= metric && m <= summary
}

// shape is the form that a field must have and the message in it, if it holds one.
func shape(m kind, number uint32) (form uint8, sub kind) {
	switch {
	case number == deprecated && m >= resourceLogs && m <= resourceMetrics:
		return formBytes, m + scopeLogs - resourceLogs
	case number>>numbers != 0:
		return anything, 0
	}
	switch m | kind(number) {
	case logsRequest | 1:
		return formBytes, resourceLogs
	case tracesRequest | 1:
		return formBytes, resourceSpans
	case metricsRequest | 1:
		return formBytes, resourceMetrics
	case resourceLogs | 1, resourceSpans | 1, resourceMetrics | 1:
		return formBytes, resource
	case resourceLogs | 2:
		return formBytes, scopeLogs
	case resourceSpans | 2:
		return formBytes, scopeSpans
	case resourceMetrics | 2:
		return formBytes, scopeMetrics
	case scopeLogs | 1, scopeSpans | 1, scopeMetrics | 1:
		return formBytes, scope
	case scopeLogs | 2:
		return formBytes, logRecord
	case scopeSpans | 2:
		return formBytes, span
	case scopeMetrics | 2:
		return formBytes, metric
	case resource | 1, scope | 3, logRecord | 6, span | 9, spanOnEvent | 3, spanLink | 4, metric | 12, keyValueList | 1,
		numberPoint | 7, histogramPoint | 9, expPoint | 1, summaryPoint | 7, exemplar | 7:
		return formBytes, keyValue
	case resource | 3:
		return formBytes, entityRef
	case logRecord | 5, keyValue | 2, arrayValue | 1:
		return formBytes, anyValue
	case anyValue | 5:
		return formBytes, arrayValue
	case anyValue | 6:
		return formBytes, keyValueList
	case span | 11:
		return formBytes, spanOnEvent
	case span | 13:
		return formBytes, spanLink
	case span | 15:
		return formBytes, spanStatus
	case metric | 5:
		return formBytes, gauge
	case metric | 7:
		return formBytes, sum
	case metric | 9:
		return formBytes, histogram
	case metric | 10:
		return formBytes, expHistogram
	case metric | 11:
		return formBytes, summary
	case gauge | 1, sum | 1:
		return formBytes, numberPoint
	case histogram | 1:
		return formBytes, histogramPoint
	case expHistogram | 1:
		return formBytes, expPoint
	case summary | 1:
		return formBytes, summaryPoint
	case expPoint | 8, expPoint | 9:
		return formBytes, expBuckets
	case summaryPoint | 6:
		return formBytes, quantile
	case numberPoint | 5, histogramPoint | 8, expPoint | 11:
		return formBytes, exemplar
	case logRecord | 9, span | 1, spanLink | 1, exemplar | 5:
		return ids16, 0
	case logRecord | 10, span | 2, span | 4, spanLink | 2, exemplar | 4:
		return ids8, 0
	}
	return plain(m, number), 0
}

// plain is the form of a field that holds no message.
func plain(m kind, number uint32) uint8 {
	switch m | kind(number) {
	case resourceLogs | 3, resourceSpans | 3, resourceMetrics | 3, scopeLogs | 3, scopeSpans | 3, scopeMetrics | 3, scope | 1, scope | 2,
		logRecord | 3, logRecord | 12, span | 3, span | 5, spanOnEvent | 2, spanLink | 3, spanStatus | 2, metric | 1, metric | 2, metric | 3,
		entityRef | 1, entityRef | 2, entityRef | 3, entityRef | 4, keyValue | 1, anyValue | 1, anyValue | 7:
		return formBytes
	case resource | 2, scope | 4, logRecord | 2, logRecord | 7, span | 6, span | 10, span | 12, span | 14, spanOnEvent | 4, spanLink | 5, spanStatus | 3,
		sum | 2, sum | 3, histogram | 2, expHistogram | 2, numberPoint | 8, histogramPoint | 10, expPoint | 6, expPoint | 10, expBuckets | 1, summaryPoint | 8,
		keyValue | 3, anyValue | 2, anyValue | 3, anyValue | 8:
		return formVarint
	case logRecord | 1, logRecord | 11, span | 7, span | 8, spanOnEvent | 1, anyValue | 4, quantile | 1, quantile | 2,
		numberPoint | 2, numberPoint | 3, numberPoint | 4, numberPoint | 6, histogramPoint | 2, histogramPoint | 3, histogramPoint | 4, histogramPoint | 5,
		histogramPoint | 11, histogramPoint | 12, expPoint | 2, expPoint | 3, expPoint | 4, expPoint | 5, expPoint | 7, expPoint | 12, expPoint | 13, expPoint | 14,
		summaryPoint | 2, summaryPoint | 3, summaryPoint | 4, summaryPoint | 5, exemplar | 2, exemplar | 3, exemplar | 6:
		return formI64
	case logRecord | 8, span | 16, spanLink | 6:
		return formI32
	case histogramPoint | 6, histogramPoint | 7:
		return packed64
	case expBuckets | 2:
		return packedVarint
	}
	return anything
}
