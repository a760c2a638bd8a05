// How a timeline is shown: as a Server-Timing header and as a tree for people.
#include <algorithm>
#include <utility>
#include <vector>

#include "observe/trace.hpp"

namespace cleave::observe {
namespace {

using Nanos = std::chrono::nanoseconds;

/// A span that is still open has lasted until now.
Nanos length_of(const Span& span, Span::Clock::time_point now) noexcept {
  return (span.end == Span::Clock::time_point{} ? now : span.end) - span.start;
}

/// Milliseconds with two decimals, without printf: this runs once a request.
void append_millis(std::string& out, Nanos time) {
  const auto nanos = static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
  std::uint64_t hundredths = (nanos + 5000) / 10000;
  char digits[24];
  char* at = digits + sizeof digits;
  for (int i = 0; i < 2; ++i, hundredths /= 10) *--at = static_cast<char>('0' + hundredths % 10);
  *--at = '.';
  do {
    *--at = static_cast<char>('0' + hundredths % 10);
    hundredths /= 10;
  } while (hundredths != 0);
  out.append(at, digits + sizeof digits);
}

std::string_view suffix_of(SpanKind kind) noexcept {
  switch (kind) {
    case SpanKind::kCall:
      return "";
    case SpanKind::kDatabase:
      return ".db";
    case SpanKind::kCache:
      return ".cache";
    case SpanKind::kRemote:
      return ".http";
  }
  return "";
}

std::string_view label_of(const Span& span) noexcept {
  switch (span.kind) {
    case SpanKind::kCall:
      return span.name;
    case SpanKind::kDatabase:
      return "postgres";
    case SpanKind::kCache:
      return "redis";
    case SpanKind::kRemote:
      return "http";
  }
  return span.name;
}

struct Line {
  std::string text;     // branches and label
  std::size_t columns;  // its width on a terminal
  Nanos time;
};

class Tree {
 public:
  explicit Tree(const Timeline& timeline) : timeline_(timeline), now_(Span::Clock::now()) {}

  std::string draw() {
    for (std::uint8_t i = 0; i < timeline_.size(); ++i) {
      if (timeline_[i].parent == i) add(i, "", 0, "", "");
    }
    std::size_t widest = 0;
    for (const Line& line : lines_) widest = std::max(widest, line.columns);
    std::string out;
    for (const Line& line : lines_) {
      out += line.text;
      out.append(widest - line.columns + 2, ' ');
      append_millis(out, line.time);
      out += " ms\n";
    }
    if (timeline_.dropped() != 0) {
      out += "and " + std::to_string(timeline_.dropped()) + " more that were not kept\n";
    }
    return out;
  }

 private:
  /// Branch marks are three columns wide each, so width is counted by depth and not by bytes.
  void add(std::uint8_t index, const std::string& before, std::size_t depth,
           std::string_view branch, std::string_view below) {
    const std::string_view label = label_of(timeline_[index]);
    std::string text = before;
    text.append(branch).append(label);
    lines_.push_back({text, depth * 3 + label.size(), length_of(timeline_[index], now_)});
    std::uint8_t last = index;
    for (std::uint8_t i = index + 1; i < timeline_.size(); ++i) {
      if (timeline_[i].parent == index) last = i;
    }
    const std::string inner = before + std::string(below);
    for (std::uint8_t i = index + 1; i <= last; ++i) {
      if (timeline_[i].parent != index) continue;
      if (i == last) {
        add(i, inner, depth + 1, "└─ ", "   ");
      } else {
        add(i, inner, depth + 1, "├─ ", "│  ");
      }
    }
  }

  const Timeline& timeline_;
  Span::Clock::time_point now_;
  std::vector<Line> lines_;
};

}  // namespace

std::string Timeline::server_timing() const {
  std::string out;
  append_server_timing(out);
  return out;
}

void Timeline::append_server_timing(std::string& out) const {
  const Span::Clock::time_point now = Span::Clock::now();
  bool first = true;
  std::uint32_t done = 0;  // a bit a span: already added to an earlier one of its name
  for (std::uint8_t i = 0; i < size_; ++i) {
    if ((done >> i & 1) != 0) continue;
    Nanos sum = length_of(spans_[i], now);
    for (std::uint8_t j = i + 1; j < size_; ++j) {
      if (spans_[j].kind != spans_[i].kind || spans_[j].name != spans_[i].name) continue;
      sum += length_of(spans_[j], now);
      done |= std::uint32_t{1} << j;
    }
    if (!std::exchange(first, false)) out += ", ";
    out.append(spans_[i].name).append(suffix_of(spans_[i].kind)).append(";dur=");
    append_millis(out, sum);
  }
}

std::string Timeline::tree() const {
  return Tree(*this).draw();
}

}  // namespace cleave::observe
