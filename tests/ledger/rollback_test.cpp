// A new place that fails when calls go there already, and before the old one is given up.
#include <future>
#include <thread>

#include "ledger/scene.hpp"

namespace cleave::test {
namespace {

const HostProcess::Arguments kListening{
    "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"};

bool becomes(RunningHost& host, const char* key, const Json& value) {
  for (int i = 0; i < 500; ++i) {
    if (host.placement_of("order")[key] == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// An order that waits for its user, who says nothing, keeps the old place alive, and so the move
/// unfinished.
class HalfMoved {
 public:
  explicit HalfMoved(const std::string& module_dir) : user_(kListening, of("user")) {
    REQUIRE(user_.wait_until_serving());
    Scene::Environment environment = of("product,order");
    environment["CLEAVE_USER_URL"] = user_.address();
    environment["CLEAVE_PEER_TIMEOUT_MS"] = "9000";
    host_ = std::make_unique<RunningHost>(environment, "127.0.0.1:0");
    environment = of("order");
    environment["CLEAVE_USER_URL"] = user_.address();
    environment["CLEAVE_PRODUCT_URL"] = host_->address();
    environment["CLEAVE_MODULE_DIR"] = module_dir;
    other_ = std::make_unique<HostProcess>(kListening, environment);
    REQUIRE(other_->wait_until_serving());

    user_.signal(SIGSTOP);
    order_ = std::async(std::launch::async, [this] {
      return host_->ask("POST", "/orders", R"({"user_id":1,"product_id":1})");
    });
    REQUIRE(becomes(*host_, "in_flight", 1));
    move_ = std::async(std::launch::async, [this] { return host_->move(other_->address()); });
    REQUIRE(becomes(*host_, "place", other_->address()));
  }
  RunningHost& host() { return *host_; }
  HostProcess& other() { return *other_; }

  /// Lets the order end, and with it the move, which is refused for this reason.
  void goes_back_since(const std::string& why) {
    user_.signal(SIGKILL);
    const HttpAnswer moved = move_.get();
    CAPTURE(moved.body);
    CHECK(moved.status == 503);
    CHECK(reason(moved) ==
          "order stays here: " + other_->address() + " " + why + " while the module moved there");
    CHECK(order_.get().status == 503);  // of its user, which is gone
    CHECK(host_->placement_of("order")["place"] == "here");
    CHECK(host_->ask("GET", "/orders").status == 200);
  }

 private:
  static Scene::Environment of(const std::string& modules) {
    return Scene::shared().environment(modules);
  }
  HostProcess user_;
  std::unique_ptr<RunningHost> host_;
  std::unique_ptr<HostProcess> other_;
  std::future<HttpAnswer> order_, move_;
};

}  // namespace

TEST_CASE("a new place that dies while calls leave the old one: the old one serves again") {
  HalfMoved half(CLEAVE_TEST_MODULES);
  CHECK(half.host().ask("GET", "/orders").status == 200);
  half.other().signal(SIGKILL);
  REQUIRE(half.other().wait().has_value());
  CHECK(half.host().ask("GET", "/orders").status == 503);
  half.goes_back_since("went away");
  CHECK(half.host().move("guarded").status == 200);
  CHECK(half.host().ask("GET", "/orders").status == 200);
}

TEST_CASE("a new place that is not ready any more when calls have left: the old one serves again") {
  HalfMoved half(modules_with(CLEAVE_TEST_OTHER_MODULES "/order_fickle.so", "fickle"));
  CHECK(half.host().ask("GET", "/orders").body == "1.0.0");
  CHECK(half.host().ask("GET", "/orders").status == 503);
  half.goes_back_since("ceased to be ready");
}

}  // namespace cleave::test
