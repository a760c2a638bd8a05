// The answering side of a batch (batch_wire.hpp).
#pragma once

#include "http/server.hpp"

namespace cleave::http {

/// Runs the calls in `request`'s body side by side, each as if it had come alone: its own id,
/// trace, deadline, status. `handler` answers one; it must authorize each. Only GET and HEAD
/// without a body go together: who gets no answer to such a batch may ask again. 400
/// "malformed-batch" and nothing is run when a call is malformed, is of another kind, or when there
/// are too many. [fiber]
void answer_batch(const Request& request, const router::RequestScope& scope, const Handler& handler,
                  Response& response);

}  // namespace cleave::http
