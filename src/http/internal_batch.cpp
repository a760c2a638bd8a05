#include "http/internal_batch.hpp"

#include <list>
#include <string>
#include <vector>

#include "cleave/problem.hpp"
#include "http/batch_wire.hpp"
#include "http/framing.hpp"
#include "http/internal_wire.hpp"
#include "http/serving.hpp"
#include "io/wait.hpp"

namespace cleave::http {
namespace {

// Of all answers together: below what a caller takes. Who comes behind it is asked alone.
constexpr std::size_t kRoom = 512 * 1024;

Head head_of(std::string_view part) {
  Head head;
  Refusal refusal;
  if (parse_head(part, Limits(), head, refusal) != Parse::kComplete || head.size != part.size() ||
      head.content_length != 0 || head.chunked || (head.method != "GET" && head.method != "HEAD") ||
      !head.path.starts_with(kInternalPath)) {
    throw Problem(400, "malformed-batch", "A call of the batch is malformed.");
  }
  return head;
}

/// One call: where a connection would write its answer, this keeps it.
class Part final : public ServingJob {
 public:
  Part(const Head& head, const Handler& handler, io::Millis time)
      : ServingJob(head, {}, handler, time) {
    brief = true;
  }
  std::string_view connection() noexcept override { return {}; }
  void send(std::string_view head, std::string_view body) noexcept override {
    answer.reserve(head.size() + body.size());
    answer.append(head).append(body);
  }
  std::string answer;
};

}  // namespace

void answer_batch(const Request& request, const router::RequestScope& scope, const Handler& handler,
                  Response& response) {
  std::vector<Head> heads;
  heads.reserve(kLargestBatch);
  std::string_view rest = request.body;
  for (std::string_view part; !rest.empty();) {
    if (heads.size() == kLargestBatch || !take_part(rest, part)) {
      throw Problem(400, "malformed-batch", "The batch is cut, or has too many calls.");
    }
    heads.push_back(head_of(part));
  }
  const auto time =
      std::chrono::duration_cast<io::Millis>(scope.deadline - io::Loop::current()->now());
  std::list<Part> parts;
  std::vector<std::function<void()>> tasks;
  tasks.reserve(heads.size());
  for (const Head& head : heads) {
    Part& part = parts.emplace_back(head, handler, time);
    tasks.push_back([&part] { exchange(part); });
  }
  io::gather(tasks);
  for (const Part& part : parts) {
    const bool fits = response.body.size() + part.answer.size() <= kRoom;
    append_part(response.body, fits ? std::string_view(part.answer) : std::string_view());
  }
  response.set("Content-Type", kBatchType);
}

}  // namespace cleave::http
