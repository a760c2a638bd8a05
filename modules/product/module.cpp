// The product module: wiring only.
#include "cleave/module.hpp"

#include "product_routes.hpp"

namespace product {

class ProductModule final : public cleave::Module {
 public:
  static constexpr const char* kName = "product";
  static constexpr const char* kPath = "/products";
  explicit ProductModule(cleave::Host host)
      : routes_(ProductStore(host), ProductCache(host, ProductStore(host))) {}
  cleave::Response handle(const cleave::Request& request) override {
    return routes_.dispatch(request);
  }

 private:
  ProductRoutes routes_;
};

}  // namespace product

CLEAVE_MODULE(product::ProductModule);
