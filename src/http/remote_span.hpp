// RemoteSpan: the time that a call is on the wire, "user.http" in the timeline of its request.
#pragma once

#include "router/router.hpp"

namespace cleave::http {

/// Open for as long as it lives; within the context's scope.
class RemoteSpan {
 public:
  explicit RemoteSpan(router::CallContext& context)
      : timeline_(context.scope.timeline),
        index_(timeline_.open(context.target->name, observe::SpanKind::kRemote, context.span)) {}
  RemoteSpan(const RemoteSpan&) = delete;
  RemoteSpan& operator=(const RemoteSpan&) = delete;
  ~RemoteSpan() { timeline_.close(index_); }

 private:
  observe::Timeline& timeline_;
  std::uint8_t index_;
};

}  // namespace cleave::http
