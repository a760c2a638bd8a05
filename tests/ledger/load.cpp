#include "ledger/load.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

namespace cleave::test {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

}  // namespace

Load::Load(std::string address, unsigned a_second, std::int64_t user, std::int64_t product)
    : address_(std::move(address)), a_second_(a_second), user_(user), product_(product) {
  for (unsigned i = 0; i < kConnections; ++i) {
    lines_[i].thread = std::thread([this, i] { serve(lines_[i], i); });
  }
}

void Load::stop() {
  stop_ = true;
  for (Line& line : lines_) {
    if (line.thread.joinable()) line.thread.join();
  }
}

void Load::serve(Line& line, unsigned number) {
  std::unique_ptr<HttpClient> client;
  for (std::uint64_t i = number; !stop_; i += kConnections) {
    const auto moment = start_ + i * std::chrono::microseconds(1000000 / a_second_);
    std::this_thread::sleep_until(moment);
    if (client == nullptr) client = std::make_unique<HttpClient>(address_);
    const bool kept = ask(*client, line, i);
    line.times.push_back(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - moment));
    if (!kept) client.reset();
  }
}

/// False: the connection is used up.
bool Load::ask(HttpClient& client, Line& line, std::uint64_t number) {
  const bool is_order = number % 3 == 0;
  HttpAnswer answer;
  if (is_order) {
    const Json order{{"user_id", user_}, {"product_id", product_}, {"quantity", number + 1}};
    answer = client.ask("POST", "/orders", order.dump(),
                        {{"Idempotency-Key", run_ + std::to_string(number)}});
  } else {
    answer = client.ask("GET", number % 3 == 1 ? "/orders?limit=3" : "/users?limit=3");
  }
  const bool well = answer.status == (is_order ? 201 : 200) && answer.excess.empty() &&
                    !answer.has("Idempotent-Replayed");
  if (!well) {
    line.failed.push_back((is_order ? "POST " : "GET ") + std::to_string(answer.status) + " " +
                          answer.body + answer.excess);
  } else if (is_order) {
    const Json row = Json::parse(answer.body);
    line.ids.push_back(row["id"]);
    if (row["quantity"] != number + 1) line.failed.push_back("another's order: " + answer.body);
  }
  return answer.status != 0 && !answer.closed;
}

std::uint64_t Load::asked() const {
  std::uint64_t all = 0;
  for (const Line& line : lines_) all += line.times.size();
  return all;
}

std::vector<std::string> Load::failed() const {
  std::vector<std::string> all;
  for (const Line& line : lines_) all.insert(all.end(), line.failed.begin(), line.failed.end());
  return all;
}

std::set<std::int64_t> Load::order_ids() const {
  std::set<std::int64_t> all;
  for (const Line& line : lines_) all.insert(line.ids.begin(), line.ids.end());
  return all;
}

std::uint64_t Load::orders() const {
  std::uint64_t all = 0;
  for (const Line& line : lines_) all += line.ids.size();
  return all;
}

std::chrono::milliseconds Load::p99() const {
  std::vector<std::chrono::microseconds> all;
  for (const Line& line : lines_) all.insert(all.end(), line.times.begin(), line.times.end());
  if (all.empty()) return {};
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.size() * 99 / 100);
  std::nth_element(all.begin(), at, all.end());
  return std::chrono::duration_cast<std::chrono::milliseconds>(*at);
}

}  // namespace cleave::test
