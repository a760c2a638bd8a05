#include "host/local_endpoint.hpp"

namespace cleave::host {

void LocalEndpoint::call(const Request& request, router::CallContext& context, Response& response) {
  instance_.handle(request, context.scope.id(), context.caller, response);
}

}  // namespace cleave::host
