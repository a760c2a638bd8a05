// LocalEndpoint: the last hop to a module in this process, a call through a function pointer.
#pragma once

#include "host/instance.hpp"
#include "router/router.hpp"

namespace cleave::host {

class LocalEndpoint final : public router::Endpoint {
 public:
  explicit LocalEndpoint(Instance& instance) : instance_(instance) {}  // outlives this
  void call(const Request& request, router::CallContext& context, Response& response) override;
  bool ready() const noexcept override { return instance_.ready(); }

 private:
  Instance& instance_;
};

}  // namespace cleave::host
