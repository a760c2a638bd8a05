// A module with the C++ glue that throws where its configuration key `where` says. The glue lets
// nothing across: this is what a module's author may rely on.
#include <stdexcept>
#include <string>

#include "cleave/module.hpp"

namespace {

class Thrower final : public cleave::Module {
 public:
  static constexpr const char* kName = "thrower";
  static constexpr const char* kPath = "/thrower";
  static constexpr const char* kConfig[] = {"where", nullptr};

  explicit Thrower(cleave::Host host) : where_(host.config("where").value_or("")) {
    throw_if("constructor");
  }
  void start() override { throw_if("start"); }
  bool ready() const override {
    throw_if("ready");
    return true;
  }
  cleave::Response handle(const cleave::Request&) override {
    throw_if("handle");
    if (where_ == "number") throw 7;
    if (where_ == "problem") throw cleave::Problem(422, "no-such-user", "No such user.");
    return {200, "calm"};
  }
  void stop() override { throw_if("stop"); }

 private:
  void throw_if(const char* where) const {
    if (where_ == where) throw std::runtime_error(std::string("secret thrown in ") + where);
  }
  std::string where_;
};

}  // namespace

CLEAVE_MODULE(Thrower);
