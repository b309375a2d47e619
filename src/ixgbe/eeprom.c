// SPDX-License-Identifier: BSD-3-Clause
/*
 * eeprom.c - the EEPROM image of a card: 16-bit words, nearly all erased (0xffff).
 *
 * Drivers insist on the checksum: words 0x00 to 0x3e, the words of every section that 0x03 to 0x0e
 * point to, and the checksum word add up to 0xbaba. Here no such section exists.
 *
 * The SFP+ identity needs two things more, neither of them in the checksum: the version of its firmware, which drivers
 * refuse below 6, and for each kind of module they know a list of values for CORECTL. There is no analog part to set up,
 * so the lists are empty. Firmware that manages the link (LESM) is not there.
 *
 * Source: data sheet 6.1 to 6.4; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#include <stdlib.h>

#define WORD_CONTROL_1 0x00
#define WORD_CONTROL_2 0x01
#define WORD_PBA_FLAG 0x15 /* part number as a string: flag, then a pointer to it */
#define WORD_PBA_POINTER 0x16
#define PBA_IS_STRING 0xfafau
#define WORD_CAPS 0x2c
#define CAPS 0x0081u /* any SFP module, no crosstalk workaround */
#define WORD_ETRACK_LOW 0x2d
#define WORD_ETRACK_HIGH 0x2e
#define ETRACK 0x80000001u
#define WORD_CHECKSUM 0x3f
#define CHECKSUM_TOTAL 0xbabau
#define WORD_PBA_STRING 0x0100
#define WORD_MAC 0x0200 /* where section 6.4.5 keeps it; drivers read RAL0 instead */

/* Firmware module (Linux ixgbe_verify_fw_version_82599()): pointers from its start */
#define WORD_FIRMWARE 0x0f
#define FIRMWARE_MODULE 0x0300
#define FIRMWARE_PATCH_POINTER 4
#define FIRMWARE_PATCH 0x0310
#define PATCH_VERSION 7
#define FIRMWARE_VERSION 6

/* List of module kinds (Linux ixgbe_get_sfp_init_sequence_offsets()): header, pairs of kind and pointer, end */
#define WORD_SFP_LIST 0x2b
#define SFP_LIST 0x0320
#define SFP_SETUP 0x0340 /* header, values, end */

static const char part_number[] = IXGBE_PART_NUMBER;

/* Length (with its own word), then two characters a word, the first in the high byte. */
static void put_part_number(uint16_t *word)
{
	unsigned int n = (sizeof(part_number) - 1) / 2;

	word[WORD_PBA_FLAG] = PBA_IS_STRING;
	word[WORD_PBA_POINTER] = WORD_PBA_STRING;
	word[WORD_PBA_STRING] = (uint16_t)(n + 1);
	for (unsigned int i = 0; i < n; i++)
		word[WORD_PBA_STRING + 1 + i] = get_be16(part_number + 2 * i);
}

static void put_firmware(uint16_t *word)
{
	word[WORD_FIRMWARE] = FIRMWARE_MODULE;
	word[FIRMWARE_MODULE + FIRMWARE_PATCH_POINTER] = FIRMWARE_PATCH;
	word[FIRMWARE_PATCH + PATCH_VERSION] = FIRMWARE_VERSION;
}

static void put_sfp_list(uint16_t *word)
{
	/* enum ixgbe_sfp_type of Linux: direct attach, SR or LR, each on port 0 and 1 */
	static const uint16_t kinds[] = { 3, 4, 5, 6 };
	unsigned int at = SFP_LIST + 1;

	word[WORD_SFP_LIST] = SFP_LIST;
	word[SFP_LIST] = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		word[at++] = kinds[i];
		word[at++] = SFP_SETUP;
	}
	word[SFP_SETUP] = 0; /* erased words end both lists */
}

static void put_checksum(uint16_t *word)
{
	uint16_t sum = 0;

	for (unsigned int i = 0; i < WORD_CHECKSUM; i++)
		sum = (uint16_t)(sum + word[i]);
	word[WORD_CHECKSUM] = (uint16_t)(CHECKSUM_TOTAL - sum);
}

uint16_t *ixgbe_eeprom_create(const struct ixgbe_config *config)
{
	uint16_t *word = malloc(IXGBE_EEPROM_WORDS * sizeof(*word));

	if (!word)
		return NULL;
	for (unsigned int i = 0; i < IXGBE_EEPROM_WORDS; i++)
		word[i] = IXGBE_EEPROM_ERASED;
	word[WORD_CONTROL_1] = word[WORD_CONTROL_2] = 0;
	word[WORD_CAPS] = CAPS;
	word[WORD_ETRACK_LOW] = (uint16_t)ETRACK;
	word[WORD_ETRACK_HIGH] = (uint16_t)(ETRACK >> 16);
	memcpy(&word[WORD_MAC], config->mac, ETH_ALEN);
	put_part_number(word);
	if (ixgbe_is_sfp(config)) {
		put_firmware(word);
		put_sfp_list(word);
	}
	put_checksum(word);
	return word;
}
