// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
)

// Register mounts the three OTLP services on a gRPC server. who proves a sender by the metadata "authorization" and
// returns what keeps the sender's requests; its error is the sender's answer. The request is read after that.
func Register(s *grpc.Server, who func(ctx context.Context, authorization string) (Keep, error)) {
	for signal, service := range map[wire.Signal]string{wire.Logs: "logs.v1.LogsService", wire.Traces: "trace.v1.TraceService", wire.Metrics: "metrics.v1.MetricsService"} {
		method := export{signal, "/opentelemetry.proto.collector." + service + "/Export", who}
		s.RegisterService(&grpc.ServiceDesc{ServiceName: "opentelemetry.proto.collector." + service, HandlerType: (*any)(nil),
			Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: method.handle}}}, nil)
	}
}

// export is the one method that each service has.
type export struct {
	signal wire.Signal
	name   string
	who    func(ctx context.Context, authorization string) (Keep, error)
}

// raw is a message of the protocol in the bytes that it came in or goes out as. The codec that pdata registers for its own
// messages asks for these methods; a request that is not decoded here need not be encoded again to rest.
type raw []byte

// SizeProto implements what the codec asks for.
func (r *raw) SizeProto() int { return len(*r) }

// MarshalProto implements what the codec asks for.
func (r *raw) MarshalProto(dst []byte) int { return copy(dst, *r) }

// UnmarshalProto implements what the codec asks for; b is the codec's again when it returns.
func (r *raw) UnmarshalProto(b []byte) error {
	*r = slices.Clone(b)
	return nil
}

func (x export) handle(_ any, ctx context.Context, dec func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	var authorization string
	if v := metadata.ValueFromIncomingContext(ctx, "authorization"); len(v) > 0 {
		authorization = v[0]
	}
	keep, err := x.who(ctx, authorization)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	var req raw
	if err := dec(&req); err != nil {
		return nil, err
	}
	take := func(ctx context.Context, _ any) (any, error) {
		c, err := otlp.Check(x.signal, req)
		if err != nil {
			return nil, status.Error(codes.InvalidArgument, explain(err))
		}
		if err := keep(ctx, x.signal, c); err != nil {
			return nil, status.Error(codes.Unavailable, notKept(err))
		}
		answer := raw(response(c))
		return &answer, nil
	}
	if intercept == nil {
		return take(ctx, &req)
	}
	return intercept(ctx, &req, &grpc.UnaryServerInfo{FullMethod: x.name}, take)
}
