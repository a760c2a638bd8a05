// An order module that says its version; one that is ready until it is asked; one whose
// constructors crash.
#include <atomic>
#include <cstdlib>

#include "cleave/module.hpp"

namespace {

class OtherOrder final : public cleave::Module {
 public:
  static constexpr const char* kName = "order";
  static constexpr const char* kVersion = VERSION;
  static constexpr const char* kPath = "/orders";
  static constexpr const char* kDependsOn[] = {"user", "product", nullptr};
  explicit OtherOrder(cleave::Host host) : host_(host) {}
  ~OtherOrder() override { host_.log(CLEAVE_INFO, "the instance of " VERSION " is gone"); }
#ifdef FICKLE
  bool ready() const override {
    return !asked_;
  }
#endif
  cleave::Response handle(const cleave::Request&) override {
    asked_ = true;
    return {200, VERSION};
  }

 private:
  cleave::Host host_;
  std::atomic<bool> asked_{false};
};

#ifdef CRASHES
[[gnu::constructor]] void crash() {
  std::abort();
}
#endif

}  // namespace

CLEAVE_MODULE(OtherOrder);
