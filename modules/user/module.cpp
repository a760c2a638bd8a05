// The user module: wiring only.
#include "cleave/module.hpp"

#include "user_routes.hpp"

namespace user {

class UserModule final : public cleave::Module {
 public:
  static constexpr const char* kName = "user";
  static constexpr const char* kPath = "/users";
  explicit UserModule(cleave::Host host) : routes_(UserStore(host)) {}
  cleave::Response handle(const cleave::Request& request) override {
    return routes_.dispatch(request);
  }

 private:
  UserRoutes routes_;
};

}  // namespace user

CLEAVE_MODULE(user::UserModule);
