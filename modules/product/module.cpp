// The product module: wiring only.
#include "cleave/module.hpp"

#include "product_relay.hpp"
#include "product_routes.hpp"

namespace product {

class ProductModule final : public cleave::Module {
 public:
  static constexpr const char* kName = "product";
  static constexpr const char* kPath = "/products";
  static constexpr std::uint32_t kBackgroundMs = 200;  // so long may a crash leave a value stale
  explicit ProductModule(cleave::Host host)
      : ProductModule(ProductStore(host), ProductCache(host, ProductStore(host))) {}
  cleave::Response handle(const cleave::Request& request) override {
    return routes_.dispatch(request);
  }
  bool background() override { return relay_.run(); }

 private:
  ProductModule(ProductStore store, ProductCache cache)
      : routes_(store, cache), relay_(store, cache) {}
  ProductRoutes routes_;
  ProductRelay relay_;
};

}  // namespace product

CLEAVE_MODULE(product::ProductModule);
