// SPDX-License-Identifier: BSD-3-Clause
/*
 * The SFP+ identity: its module over the two wires of I2CCTL, driven edge by edge as Linux's ixgbe_phy.c drives them, and
 * the EEPROM words without which drivers refuse the card.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "card.h"

#define ADDRESS_A0 0xa0
#define ADDRESS_A2 0xa2
#define READ 1

/* --- two wires as a driver has them ---------------- */

static void set_line(struct card *card, uint32_t line, bool high)
{
	uint32_t value = pf_rd(card, IXGBE_I2CCTL);

	pf_wr(card, IXGBE_I2CCTL, high ? value | line : value & ~line);
}

static void clock_line(struct card *card, bool high)
{
	set_line(card, IXGBE_I2CCTL_CLK_OUT, high);
	assert_int_equal(!!(pf_rd(card, IXGBE_I2CCTL) & IXGBE_I2CCTL_CLK_IN), high);
}

static void data_line(struct card *card, bool high)
{
	set_line(card, IXGBE_I2CCTL_DATA_OUT, high);
}

static bool data_in(struct card *card)
{
	return pf_rd(card, IXGBE_I2CCTL) & IXGBE_I2CCTL_DATA_IN;
}

static void start(struct card *card)
{
	data_line(card, true);
	clock_line(card, true);
	data_line(card, false);
	clock_line(card, false);
}

static void stop(struct card *card)
{
	data_line(card, false);
	clock_line(card, true);
	data_line(card, true);
}

static void put_bit(struct card *card, bool bit)
{
	data_line(card, bit);
	if (bit)
		assert_true(data_in(card)); /* nobody else holds the line */
	clock_line(card, true);
	clock_line(card, false);
}

static bool get_bit(struct card *card)
{
	bool bit;

	clock_line(card, true);
	bit = data_in(card);
	clock_line(card, false);
	return bit;
}

/* Return: it was acknowledged. */
static bool put_byte(struct card *card, uint8_t byte)
{
	for (int i = 7; i >= 0; i--)
		put_bit(card, byte >> i & 1);
	data_line(card, true);
	return !get_bit(card);
}

static uint8_t get_byte(struct card *card, bool more)
{
	uint8_t byte = 0;

	for (int i = 7; i >= 0; i--)
		byte = (uint8_t)(byte << 1 | get_bit(card));
	put_bit(card, !more);
	data_line(card, true);
	return byte;
}

/* ixgbe_read_i2c_byte_generic() */
static uint8_t read_module(struct card *card, uint8_t offset)
{
	uint8_t byte;

	start(card);
	assert_true(put_byte(card, ADDRESS_A0));
	assert_true(put_byte(card, offset));
	start(card);
	assert_true(put_byte(card, ADDRESS_A0 | READ));
	byte = get_byte(card, false);
	stop(card);
	return byte;
}

/* --- the module ---------------- */

static void test_module_is_a_passive_cable(void **state)
{
	struct card *card = *state;

	assert_int_equal(read_module(card, 0), 0x03); /* SFP */
	assert_int_equal(read_module(card, 3), 0);    /* no optical 10G */
	assert_int_equal(read_module(card, 6), 0);    /* no 1G */
	assert_int_equal(read_module(card, 8), 0x04); /* passive copper */
	assert_int_equal(read_module(card, 12), 103); /* 10.3 GBd */
	assert_int_equal(read_module(card, 20), 's'); /* vendor name */
	assert_int_equal(read_module(card, 26), 'v');
	assert_int_equal(read_module(card, 27), ' ');
	assert_int_equal(read_module(card, 68), '0'); /* serial: the MAC address */
	assert_int_equal(read_module(card, 69), '2');
	assert_int_equal(read_module(card, 92), 0); /* no diagnostics */
	assert_int_equal(read_module(card, 94), 0); /* nor SFF-8472 */
	assert_int_equal(read_module(card, 255), 0);
}

static void test_check_codes(void **state)
{
	struct card *card = *state;
	uint8_t page[96], base = 0, ext = 0;

	/* One transfer over many bytes: each is acknowledged but the last. */
	start(card);
	assert_true(put_byte(card, ADDRESS_A0));
	assert_true(put_byte(card, 0));
	start(card);
	assert_true(put_byte(card, ADDRESS_A0 | READ));
	for (unsigned int i = 0; i < sizeof(page); i++)
		page[i] = get_byte(card, i + 1 < sizeof(page));
	stop(card);
	for (unsigned int i = 0; i < 63; i++)
		base = (uint8_t)(base + page[i]);
	for (unsigned int i = 64; i < 95; i++)
		ext = (uint8_t)(ext + page[i]);
	assert_memory_equal(&page[20], "softiov         ", 16);
	assert_int_equal(page[63], base);
	assert_int_equal(page[95], ext);
}

static void test_only_identification_answers(void **state)
{
	struct card *card = *state;

	start(card);
	assert_false(put_byte(card, ADDRESS_A2));
	stop(card);
	start(card);
	assert_true(put_byte(card, ADDRESS_A0));
	assert_true(put_byte(card, 20));
	assert_false(put_byte(card, 'X')); /* nobody writes it */
	stop(card);
	assert_int_equal(read_module(card, 20), 's');
}

/* ixgbe_i2c_bus_clear() in the middle of a byte: nine clocks, and the next transfer works. */
static void test_bus_clear(void **state)
{
	struct card *card = *state;

	start(card);
	assert_true(put_byte(card, ADDRESS_A0));
	assert_true(put_byte(card, 0));
	start(card);
	assert_true(put_byte(card, ADDRESS_A0 | READ));
	get_bit(card);
	start(card);
	data_line(card, true);
	for (int i = 0; i < 9; i++) {
		clock_line(card, true);
		clock_line(card, false);
	}
	start(card);
	stop(card);
	assert_int_equal(read_module(card, 0), 0x03);
}

static void test_reset_in_a_transfer(void **state)
{
	struct card *card = *state;

	start(card);
	put_bit(card, true);
	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_RST);
	assert_true(data_in(card));
	assert_int_equal(read_module(card, 8), 0x04);
}

static void test_backplane_has_no_module(void **state)
{
	struct card *card = *state;

	assert_int_equal(pf_rd(card, IXGBE_ESDP) & IXGBE_ESDP_SDP2, 0);
	start(card);
	assert_false(put_byte(card, ADDRESS_A0));
	stop(card);
}

/* --- the rest of the identity ---------------- */

static uint16_t eeprom(struct card *card, uint16_t word)
{
	uint32_t eerd;

	pf_wr(card, IXGBE_EERD, (uint32_t)word << IXGBE_EERD_ADDR_SHIFT | IXGBE_EERD_START);
	eerd = pf_rd(card, IXGBE_EERD);
	assert_true(eerd & IXGBE_EERD_DONE);
	return (uint16_t)(eerd >> IXGBE_EERD_DATA_SHIFT);
}

/* ixgbe_verify_fw_version_82599(), ixgbe_verify_lesm_fw_enabled_82599() */
static void test_firmware_words(void **state)
{
	struct card *card = *state;
	uint16_t firmware = eeprom(card, 0x0f), patch;

	assert_int_not_equal(firmware, 0);
	assert_int_not_equal(firmware, 0xffff);
	patch = eeprom(card, (uint16_t)(firmware + 4));
	assert_int_not_equal(patch, 0xffff);
	assert_true(eeprom(card, (uint16_t)(patch + 7)) > 5);
	assert_int_equal(eeprom(card, (uint16_t)(firmware + 2)), 0xffff);
}

/* ixgbe_get_sfp_init_sequence_offsets(): each kind is found and its list ends. */
static void test_module_lists(void **state)
{
	struct card *card = *state;
	uint16_t list = eeprom(card, 0x2b);

	for (uint16_t kind = 3; kind <= 6; kind++) {
		uint16_t at = (uint16_t)(list + 1), data;

		while (eeprom(card, at) != kind) {
			assert_int_not_equal(eeprom(card, at), 0xffff);
			at = (uint16_t)(at + 2);
		}
		data = eeprom(card, (uint16_t)(at + 1));
		assert_int_not_equal(data, 0);
		assert_int_not_equal(data, 0xffff);
		assert_int_equal(eeprom(card, (uint16_t)(data + 1)), 0xffff);
	}
}

static void test_checksum(void **state)
{
	struct card *card = *state;
	uint16_t sum = 0;

	for (uint16_t i = 0; i <= 0x3f; i++)
		sum = (uint16_t)(sum + eeprom(card, i));
	for (uint16_t i = 3; i < 0x0f; i++)
		assert_int_equal(eeprom(card, i), 0xffff); /* no sections */
	assert_int_equal(sum, 0xbaba);
}

/* Beyond the chip, and written by SPI: refused by not granting the lines. */
static void test_eeprom_ends(void **state)
{
	struct card *card = *state;

	assert_int_equal(pf_rd(card, IXGBE_EEC) >> IXGBE_EEC_SIZE_SHIFT & 0xf,
			 IXGBE_EEPROM_SIZE_CODE);
	assert_int_equal(eeprom(card, IXGBE_EEPROM_WORDS), 0xffff);
	assert_int_equal(eeprom(card, IXGBE_EERD_ADDR_MASK), 0xffff);
	pf_wr(card, IXGBE_EEC, pf_rd(card, IXGBE_EEC) | IXGBE_EEC_REQ);
	assert_false(pf_rd(card, IXGBE_EEC) & IXGBE_EEC_GNT);
}

static void test_link_is_serial(void **state)
{
	struct card *card = *state;

	assert_int_equal(pf_rd(card, IXGBE_AUTOC) >> 13 & 7, 3);
	assert_int_equal(pf_rd(card, IXGBE_AUTOC2) >> 16 & 3, 2);
	pf_wr(card, IXGBE_AUTOC, 0);
	pf_wr(card, IXGBE_CTRL, IXGBE_CTRL_LRST);
	assert_int_equal(pf_rd(card, IXGBE_AUTOC) >> 13 & 7, 3);
	ixgbe_set_link(card->pf, true);
	assert_int_equal(pf_rd(card, IXGBE_LINKS), IXGBE_LINKS_UP | IXGBE_LINKS_10G);
	assert_true(pf_rd(card, IXGBE_ESDP) & IXGBE_ESDP_SDP2);
}

#define ON_SFP(test) cmocka_unit_test_setup_teardown(test, card_setup_sfp, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SFP(test_module_is_a_passive_cable),
		ON_SFP(test_check_codes),
		ON_SFP(test_only_identification_answers),
		ON_SFP(test_bus_clear),
		ON_SFP(test_reset_in_a_transfer),
		cmocka_unit_test_setup_teardown(test_backplane_has_no_module, card_setup,
						card_teardown),
		ON_SFP(test_firmware_words),
		ON_SFP(test_module_lists),
		ON_SFP(test_checksum),
		ON_SFP(test_eeprom_ends),
		ON_SFP(test_link_is_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
