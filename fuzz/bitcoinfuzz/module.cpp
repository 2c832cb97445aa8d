#include "module.h"
#include "bolt12_lib/bolt12_lib.h"

namespace bitcoinfuzz {
namespace module {
namespace {
extern "C" void take(void *out, const char *answer, size_t length) {
  static_cast<std::string *>(out)->assign(answer, length);
}
} // namespace

Bolt12::Bolt12() : BaseModule("Bolt12") {}

std::optional<std::string> Bolt12::deserialize_offer(std::string str) const {
  std::string answer;
  if (!bolt12_des_offer(str.c_str(), take, &answer))
    return std::nullopt;
  return answer;
}
} // namespace module
} // namespace bitcoinfuzz
