// An order module that says its version; or one whose constructors crash.
#include <cstdlib>

#include "cleave/module.hpp"

namespace {

class OtherOrder final : public cleave::Module {
 public:
  static constexpr const char* kName = "order";
  static constexpr const char* kVersion = VERSION;
  static constexpr const char* kPath = "/orders";
  static constexpr const char* kDependsOn[] = {"user", "product", nullptr};
  explicit OtherOrder(cleave::Host) {}
  cleave::Response handle(const cleave::Request&) override { return {200, VERSION}; }
};

#ifdef CRASHES
[[gnu::constructor]] void crash() {
  std::abort();
}
#endif

}  // namespace

CLEAVE_MODULE(OtherOrder);
