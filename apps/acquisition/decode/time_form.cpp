#include "acquisition/decode/time_form.hpp"

#include "acquisition/decode/number.hpp"

namespace daq::decode {

namespace {

constexpr std::string_view kLetters = "YmdHMS";  // in the order of CalendarTime
constexpr int kYearsOfTwoDigitsBegin = 2000;

}  // namespace

const char* read_time_form(std::string_view form, const char* p, const char* end, CalendarTime& out) noexcept {
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%' || ++i == form.size()) {  // check_time_form() has seen that nothing ends in %
      if (p == end || i == form.size() || *p++ != form[i]) return nullptr;
      continue;
    }
    const int digits = form[i] == 'Y' ? 4 : 2;
    int value = 0;
    for (int n = 0; n < digits; ++n, ++p) {
      if (p == end || !is_digit(*p)) return nullptr;
      value = value * 10 + (*p - '0');
    }
    if (form[i] == 'S') {
      out.second = value;
      if (end - p >= 2 && *p == '.' && is_digit(p[1])) {
        int decimals = 0;
        p = parse_number(p - 2, end, out.second, decimals);
        if (p == nullptr) return nullptr;
      }
    } else if (form[i] == 'y') {
      out.date[0] = kYearsOfTwoDigitsBegin + value;
    } else {
      out.date[kLetters.find(form[i])] = value;
    }
  }
  return p;
}

std::string check_time_form(std::string_view form, unsigned& parts) {
  parts = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') {
      if (form[i] < ' ' || form[i] > '~') return "holds a character that is not printable ASCII";
      continue;
    }
    const char letter = ++i == form.size() ? '\0' : form[i] == 'y' ? 'Y' : form[i];
    const auto part = letter == '\0' ? std::string_view::npos : kLetters.find(letter);
    if (part == std::string_view::npos) return "'%" + std::string{form.substr(i, 1)} + "' is not one of %Y %y %m %d %H %M %S";
    if ((parts >> part & 1U) != 0) return "gives '%" + std::string{form.substr(i, 1)} + "' twice";
    parts |= 1U << part;
  }
  return parts == 0 ? "gives no part of a time; it takes %Y %y %m %d %H %M %S" : "";
}

}  // namespace daq::decode
