// A fourth service, such as a student would add: a path, and one it depends on.
#include "cleave/module.hpp"

namespace {

class Review final : public cleave::Module {
 public:
  static constexpr const char* kName = "review";
  static constexpr const char* kPath = "/reviews";
  static constexpr const char* kDependsOn[] = {"user", nullptr};
  explicit Review(cleave::Host host) : host_(host) {}
  cleave::Response handle(const cleave::Request&) override {
    const auto users = host_.call("user", {"GET", "/users"});
    return {200, "users answered " + std::to_string(users.status)};
  }

 private:
  cleave::Host host_;
};

}  // namespace

CLEAVE_MODULE(Review);
