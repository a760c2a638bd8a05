// The order module: wiring only.
#include "cleave/module.hpp"

#include "order_routes.hpp"

namespace order {

class OrderModule final : public cleave::Module {
 public:
  static constexpr const char* kName = "order";
  static constexpr const char* kPath = "/orders";
  static constexpr const char* kDependsOn[] = {"user", "product", nullptr};
  explicit OrderModule(cleave::Host host)
      : routes_(OrderStore(host), OrderService(OrderStore(host), OrderPeers(host))) {}
  cleave::Response handle(const cleave::Request& request) override {
    return routes_.dispatch(request);
  }

 private:
  OrderRoutes routes_;
};

}  // namespace order

CLEAVE_MODULE(order::OrderModule);
